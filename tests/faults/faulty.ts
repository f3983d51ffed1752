/** A disk that fails: every file operation and every statement is counted, and one of them, or all from it on, throws. */

import { DatabaseSync } from "node:sqlite";
import type { Database, Statement } from "../../src/storage/database.ts";
import { diskFiles, type Files, type OpenFile } from "../../src/storage/files.ts";

/** once: the n-th operation fails, the rest work. onwards: from the n-th on all fail, as after a crash. */
export type FaultMode = "once" | "onwards";

/** What the failing operation throws. */
export class InjectedFault extends Error {
  constructor(operation: string, n: number) {
    super(`operation ${n} failed on purpose: ${operation}`);
  }
}

export class FaultyDisk {
  readonly files: Files = this.#wrapFiles(diskFiles);
  readonly #n: number;
  readonly #mode: FaultMode;
  #count = 0;
  #isArmed = false;

  constructor(n: number, mode: FaultMode) {
    this.#n = n;
    this.#mode = mode;
  }

  /** Counting begins: what was done before, to open the store, works. */
  arm(): void {
    this.#isArmed = true;
  }

  /** Everything works again. */
  disarm(): void {
    this.#isArmed = false;
  }

  /** Whether an operation was made to fail. */
  get hasFailed(): boolean {
    return this.#count >= this.#n;
  }

  readonly openDatabase = (path: string): Database => {
    const database = new DatabaseSync(path);
    return {
      exec: (sql) => {
        this.#step(`exec ${sql}`);
        database.exec(sql);
      },
      prepare: (sql) => this.#wrapStatement(sql, database.prepare(sql) as unknown as Statement),
      close: () => database.close(),
    };
  };

  #step(operation: string): void {
    if (!this.#isArmed) return;
    this.#count++;
    const fails = this.#mode === "once" ? this.#count === this.#n : this.#count >= this.#n;
    if (fails) throw new InjectedFault(operation, this.#count);
  }

  #wrapStatement(sql: string, statement: Statement): Statement {
    return {
      setReturnArrays: (isWanted) => statement.setReturnArrays(isWanted),
      get: (...values) => (this.#step(sql), statement.get(...values)),
      all: (...values) => (this.#step(sql), statement.all(...values)),
      run: (...values) => (this.#step(sql), statement.run(...values)),
    };
  }

  #wrapFiles(files: Files): Files {
    return {
      stat: (path) => (this.#step(`stat ${path}`), files.stat(path)),
      statExpected: (path) => (this.#step(`stat ${path}`), files.statExpected(path)),
      realPath: (path) => (this.#step(`realPath ${path}`), files.realPath(path)),
      open: (path) => {
        this.#step(`open ${path}`);
        const file = files.open(path);
        return file === undefined ? undefined : this.#wrapFile(file, path);
      },
      create: (path) => {
        this.#step(`create ${path}`);
        return this.#wrapFile(files.create(path), path);
      },
      openWritable: async (path) => {
        this.#step(`open ${path}`);
        return this.#wrapFile(await files.openWritable(path), path);
      },
      link: (path, name) => (this.#step(`link ${path} ${name}`), files.link(path, name)),
      rename: (from, to) => (this.#step(`rename ${from} ${to}`), files.rename(from, to)),
      remove: (path) => (this.#step(`remove ${path}`), files.remove(path)),
      discard: async (path) => {
        this.#step(`discard ${path}`);
        await files.discard(path);
      },
      removeDirectory: (path) => (this.#step(`rmdir ${path}`), files.removeDirectory(path)),
      makeDirectory: (path) => (this.#step(`mkdir ${path}`), files.makeDirectory(path)),
      setMtime: (path, mtime) => (this.#step(`utime ${path}`), files.setMtime(path, mtime)),
      readDirectory: (path) => (this.#step(`readdir ${path}`), files.readDirectory(path)),
      readDirectorySync: (path) => (this.#step(`readdir ${path}`), files.readDirectorySync(path)),
      copy: async (from, to) => {
        this.#step(`copy ${from} ${to}`);
        await files.copy(from, to);
      },
      sync: async (path) => {
        this.#step(`sync ${path}`);
        await files.sync(path);
      },
      space: (path) => (this.#step(`statfs ${path}`), files.space(path)),
    };
  }

  #wrapFile(file: OpenFile, path: string): OpenFile {
    return {
      readSync: (buffer) => (this.#step(`read ${path}`), file.readSync(buffer)),
      read: async (buffer) => {
        this.#step(`read ${path}`);
        return await file.read(buffer);
      },
      write: async (bytes) => {
        this.#step(`write ${path}`);
        await file.write(bytes);
      },
      writeSync: (bytes) => (this.#step(`write ${path}`), file.writeSync(bytes)),
      seekSync: (offset) => (this.#step(`seek ${path}`), file.seekSync(offset)),
      setMtime: (mtime) => (this.#step(`futime ${path}`), file.setMtime(mtime)),
      sync: async () => {
        this.#step(`fsync ${path}`);
        await file.sync();
      },
      stream: () => (this.#step(`stream ${path}`), file.stream()),
      close: () => file.close(),
      [Symbol.dispose]: () => file.close(),
    };
  }
}

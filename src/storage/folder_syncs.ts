/** Syncs of folders, shared by all that wait for the same one. */

import type { Files } from "./files.ts";

interface FolderSync {
  readonly running: Promise<void>;
  /** Begins when the one that runs has ended. */
  next: Promise<void> | undefined;
}

export class FolderSyncs {
  readonly #files: Pick<Files, "sync">;
  readonly #syncs = new Map<string, FolderSync>();

  constructor(files: Pick<Files, "sync">) {
    this.#files = files;
  }

  /** Resolves when the folder's entries, as they are now, are on stable storage. */
  sync(path: string): Promise<void> {
    const sync = this.#syncs.get(path);
    if (sync === undefined) return this.#start(path);
    return sync.next ??= sync.running.catch(() => {}).then(() => this.#start(path));
  }

  #start(path: string): Promise<void> {
    const running = this.#files.sync(path).finally(() => {
      const sync = this.#syncs.get(path);
      if (sync?.running === running && sync.next === undefined) this.#syncs.delete(path);
    });
    this.#syncs.set(path, { running, next: undefined });
    return running;
  }
}

/** What all scenarios share in one run: the servers that are running, what has been prepared in them, and a folder. */

import type { Options } from "./options.ts";
import type { Peer } from "./peers.ts";
import { startCeiling, startCluster, startPeer, startZs3, type Subject } from "./subject.ts";

/** One number of one round; its unit is the scenario's. */
export interface Figure {
  readonly value: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** Measures the subject of that name once. Throws when any request fails. */
export type Measure = (bench: Bench, name: string) => Promise<Figure>;

/** Disposing ends all servers and removes the folder. */
export class Bench implements AsyncDisposable {
  readonly #running = new Map<string, Subject>();
  /** All that were ever started. */
  readonly #started: Subject[] = [];
  #isOver = false;
  readonly #prepared = new Set<string>();
  #dirsMade = 0;

  static async open(options: Options, peers: readonly Peer[]): Promise<Bench> {
    return new Bench(options, peers, await Deno.makeTempDir({ prefix: "zs3-bench-" }));
  }

  private constructor(
    readonly options: Options,
    readonly peers: readonly Peer[],
    readonly dir: string,
  ) {}

  /**
   * The server, started when it is needed first, and running alone. With a folder it is another one, whose data dir is there
   * already.
   */
  async use(name: string, dir?: string): Promise<Subject> {
    const key = dir ?? name;
    const subject = this.#running.get(key) ?? await this.start(name, dir ?? await this.makeDir());
    this.#running.set(key, subject);
    if (dir === undefined) await this.once(`bucket in ${name}`, () => subject.makeBucket());
    this.pauseAll();
    subject.resume();
    return subject;
  }

  /** Another server of that kind, running alone, that isn't kept. Its folder, which may have a data dir in it, is its caller's. */
  async start(name: string, dir: string): Promise<Subject> {
    if (this.#isOver) throw new Error("the benchmark has been ended");
    this.pauseAll();
    const subject = await this.#start(name, dir);
    this.#started.push(subject);
    return subject;
  }

  pauseAll(): void {
    for (const subject of this.#running.values()) subject.pause();
  }

  async makeDir(): Promise<string> {
    const dir = `${this.dir}/${++this.#dirsMade}`;
    await Deno.mkdir(dir);
    return dir;
  }

  /** Does the work if none was done under this name yet. */
  async once(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.#prepared.has(what)) return;
    await work();
    this.#prepared.add(what);
  }

  /** Stops the server that uses this folder. It is started again when it is used again. */
  async stop(dir: string): Promise<void> {
    await this.#running.get(dir)?.stop();
    this.#running.delete(dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const subject of this.#started) await subject[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }

  async #start(name: string, dir: string): Promise<Subject> {
    const { zs3, before } = this.options;
    if (name === "zs3") return await startZs3(name, zs3, dir);
    if (name === "zs3-before" && before !== undefined) return await startZs3(name, before, dir);
    if (name === "ceiling") return await startCeiling(dir);
    if (name === "cluster") return await startCluster(zs3, dir);
    const peer = this.peers.find((peer) => peer.name === name);
    if (peer === undefined) throw new RangeError(`there is no subject ${name}`);
    return await startPeer(peer, dir);
  }
}

/** A server that is measured, as one process or as a cluster of them. Only one at a time gets the processor. */

import type { Credentials } from "../../tests/suites/http_store/signer.ts";
import { CREDENTIALS } from "../../tests/support/raw_request.ts";
import { Child } from "./child.ts";
import { Connection } from "./connection.ts";
import { delay } from "./delay.ts";
import type { Peer } from "./peers.ts";
import type { Addressee } from "./requests.ts";

export const BUCKET = "bench";

const CEILING = `${import.meta.dirname}/ceiling.ts`;
const CLUSTER_NODES = 3;
const BUCKET_MS_MAX = 20_000;
const REST_MS = 700;
const REST_MS_MAX = 60_000;

export class Subject implements Addressee, AsyncDisposable {
  readonly #children: readonly Child[];

  constructor(
    readonly name: string,
    readonly port: number,
    readonly credentials: Credentials,
    children: readonly Child[],
  ) {
    this.#children = children;
  }

  /** Of its only or first process. */
  get pid(): number {
    return this.#children[0]?.pid ?? NaN;
  }

  /** Nodes of a cluster aren't paused: they would take each other for gone. */
  pause(): void {
    if (this.#children.length === 1) this.#children[0]?.signal("SIGSTOP");
  }

  resume(): void {
    for (const child of this.#children) child.signal("SIGCONT");
  }

  /** Resolves when it does nothing any more: what it has put off until now isn't counted with what comes next. */
  async rest(): Promise<void> {
    const end = performance.now() + REST_MS_MAX;
    for (let before = -1, now = this.#ticks(); now !== before && performance.now() < end;) {
      await delay(REST_MS);
      [before, now] = [now, this.#ticks()];
    }
  }

  /** Hundredths of a second that its processes had a processor. */
  #ticks(): number {
    return this.#children.reduce((sum, { pid }) => {
      const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
      return sum + Number(fields[11]) + Number(fields[12]);
    }, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await child[Symbol.asyncDispose]();
  }

  /** Asks until it is made: some servers aren't quite ready when they begin to listen. */
  async makeBucket(): Promise<void> {
    const end = performance.now() + BUCKET_MS_MAX;
    for (;;) {
      try {
        using connection = await Connection.open(this);
        await connection.ask({ method: "PUT", path: `/${BUCKET}` });
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
      }
      await delay(100);
    }
  }
}

export async function startCeiling(dir: string): Promise<Subject> {
  const child = new Child({ words: [Deno.execPath(), "run", "-A", CEILING], dir });
  return await ready("ceiling", child);
}

/** `words` start it, without flags. Its data is kept in `${dir}/data`. */
export async function startZs3(
  name: string,
  words: readonly string[],
  dir: string,
): Promise<Subject> {
  return await ready(name, zs3Child(words, dir, []));
}

/** All nodes have joined. Requests go to the first. */
export async function startCluster(words: readonly string[], dir: string): Promise<Subject> {
  await using started = new AsyncDisposableStack();
  const environment = { ZS3_CLUSTER_SECRET: crypto.randomUUID() };
  const nodes: { readonly child: Child; readonly port: number }[] = [];
  for (let number = 1; number <= CLUSTER_NODES; number++) {
    const nodeDir = `${dir}/${number}`;
    await Deno.mkdir(nodeDir);
    const bootstrap = nodes.slice(0, 1).map(({ port }) => `--bootstrap=127.0.0.1:${port}`);
    const flags = ["--distributed", "--discovery=off", ...bootstrap];
    const child = started.use(zs3Child(words, nodeDir, flags, environment));
    nodes.push({ child, port: await child.waitFor(() => child.findReadyPort()) });
  }
  started.move();
  const children = nodes.map(({ child }) => child);
  return new Subject("cluster", nodes[0]?.port ?? NaN, CREDENTIALS, children);
}

export async function startPeer(peer: Peer, dir: string): Promise<Subject> {
  const dataDir = `${dir}/data`;
  await Deno.mkdir(dataDir);
  const port = freePort();
  const words = [peer.program, ...peer.flags(port, dataDir)];
  await using started = new AsyncDisposableStack();
  const child = started.use(new Child({ words, environment: peer.environment, dir }));
  await child.waitFor(() => isListening(port));
  started.move();
  return new Subject(peer.name, port, peer.credentials, [child]);
}

function zs3Child(
  words: readonly string[],
  dir: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  const usual = ["--host=127.0.0.1", "--port=0", `--data-dir=${dir}/data`];
  return new Child({ words: [...words, ...usual, ...flags], environment, dir });
}

/** Ends the child when it doesn't become ready. */
async function ready(name: string, child: Child): Promise<Subject> {
  await using started = new AsyncDisposableStack();
  started.use(child);
  const port = await child.waitFor(() => child.findReadyPort());
  started.move();
  return new Subject(name, port, CREDENTIALS, [child]);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isListening(port: number): Promise<true | undefined> {
  try {
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return undefined;
    throw error;
  }
}

/**
 * `deno task cluster`: a cluster of nodes on this machine, for trying it out. Each has a port and a data dir of its own; what they
 * know survives a restart. Ctrl-C ends them all. Keys and the cluster's secret come from the environment, as for zs3 itself.
 *
 *     deno task cluster [--nodes=3] [--port=9000] [--data-dir=data-cluster] [-- flags for each node]
 */

import { parseArgs } from "@std/cli/parse-args";
import { printLine } from "../src/cli/print.ts";

const MAIN = new URL("../main.ts", import.meta.url).href;
const HOST = "127.0.0.1";
const NODES_MAX = 16;

interface Order {
  readonly nodes: number;
  /** Of the first node; the others have the next ones. */
  readonly port: number;
  readonly dataDir: string;
  /** For each node. */
  readonly flags: readonly string[];
}

/** Throws TypeError for what it doesn't understand. */
function parseOrder(words: readonly string[]): Order {
  const { nodes, port, "data-dir": dataDir, "--": flags, _: others } = parseArgs([...words], {
    string: ["nodes", "port", "data-dir"],
    default: { nodes: "3", port: "9000", "data-dir": "data-cluster" },
    "--": true,
    unknown: (word: string) => {
      throw new TypeError(`unknown argument ${word}: flags for the nodes come after --`);
    },
  });
  if (others.length > 0) throw new TypeError(`unknown argument ${others[0]}`);
  const order = { nodes: Number(nodes), port: Number(port), dataDir, flags };
  const isWhole = Number.isInteger(order.nodes) && order.nodes >= 1 && order.nodes <= NODES_MAX &&
    Number.isInteger(order.port) && order.port >= 1 && order.port + order.nodes <= 65_536;
  if (isWhole && dataDir !== "") return order;
  throw new TypeError(`--nodes is 1 to ${NODES_MAX}, --port the first of as many ports`);
}

/** One node as a child process. What it logs is passed on with its number. */
class Node {
  readonly number: number;
  readonly url: string;
  /** Resolves when requests will succeed; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<number>;
  /** The command that its banner tells one to try. */
  tryLine = "";
  readonly #process: Deno.ChildProcess;

  constructor({ port, dataDir, flags }: Order, number: number) {
    const own = port + number - 1;
    this.number = number;
    this.url = `http://${HOST}:${own}`;
    const words = [
      "--distributed",
      `--host=${HOST}`,
      `--port=${own}`,
      `--data-dir=${dataDir}/node-${number}`,
      "--discovery=off",
      ...(number === 1 ? [] : [`--bootstrap=${HOST}:${port}`]),
      ...flags,
    ];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, ...words],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // Ctrl-C is for this process to pass on: a node that got it twice would end without finishing.
      detached: true,
    }).spawn();
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    const read = Promise.all([
      eachLine(this.#process.stdout, (line) => {
        this.#take(line);
        if (line.startsWith("zs3 ready ")) ready.resolve();
      }),
      eachLine(this.#process.stderr, (line) => printLine(Deno.stderr, `${number}: ${line}`)),
    ]);
    this.ended = Promise.all([this.#process.status, read]).then(([{ code }]) => {
      ready.reject(new Error(`node ${number} ended before it was ready`));
      return code;
    });
  }

  /** Harmless when it has ended. */
  signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  #take(line: string): void {
    const tried = /^ {2}try +(.+)$/.exec(line)?.[1];
    if (tried !== undefined) this.tryLine = tried;
  }
}

/** Returns the exit code: 0 when all nodes ended well. */
async function run(order: Order): Promise<number> {
  const nodes = Array.from({ length: order.nodes }, (_, index) => new Node(order, index + 1));
  using _signals = passOn(nodes);
  for (const node of nodes) {
    node.ended.then((code) => printLine(Deno.stdout, `node ${node.number} has ended (${code})`));
  }
  try {
    await Promise.all(nodes.map((node) => node.ready));
    for (const line of usage(nodes, order)) printLine(Deno.stdout, line);
  } catch (error) {
    printLine(Deno.stderr, error instanceof Error ? error.message : String(error));
    for (const node of nodes) node.signal("SIGTERM");
    await Promise.all(nodes.map((node) => node.ended));
    return 1;
  }
  const codes = await Promise.all(nodes.map((node) => node.ended));
  return codes.every((code) => code === 0) ? 0 : 1;
}

/** A second signal reaches the nodes too: they then end at once. Disposing stops that. */
function passOn(nodes: readonly Node[]): Disposable {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const listener = () => {
    for (const node of nodes) node.signal("SIGTERM");
  };
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) Deno.removeSignalListener(signal, listener);
    },
  };
}

function usage(nodes: readonly Node[], { dataDir }: Order): string[] {
  const [first, second] = nodes;
  return [
    `${nodes.length} nodes are ready: ${nodes.map((node) => node.url).join(" ")}`,
    `  each with its data in ${dataDir}/node-N`,
    ...nodes.slice(0, 2).map((node) => `  try       ${node.tryLine}`),
    `  members   curl ${second?.url ?? first?.url}/_zs3/peers`,
    `  one node  curl ${first?.url}/_zs3/ping`,
    "  a block   curl URL/_zs3/providers/HASH (the hashes: zs3 index --data-dir=FOLDER of a node that is stopped)",
    "  stop      Ctrl-C ends them all",
  ];
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}

async function main(words: readonly string[]): Promise<number> {
  try {
    return await run(parseOrder(words));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    printLine(Deno.stderr, error.message);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

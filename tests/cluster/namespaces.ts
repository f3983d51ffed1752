/**
 * A network of its own for real processes: each host is a network namespace with an address, all are linked with each other,
 * and each link can be cut. Needs root and iproute2; touches nothing of the machine's own network.
 *
 * Every host hangs on a bridge of its own, and every two bridges are joined by a cable (all in one more namespace). Cables are
 * isolated ports: a frame goes from a host into all its cables, and from a cable to the host, never from cable to cable. So a
 * cable that is down cuts just these two hosts off from each other, for broadcasts too, silently and without either losing
 * its carrier. (Filters would do it on one bridge, but not every kernel has them.)
 */

const HOSTS_MAX = 16;
/** `zs3t`, the process that made it, a random part, and the host's number or `net`. */
const NAME = /^zs3t(\d+)x[0-9a-f]{6}-(?:\d+|net)$/;

export interface Host {
  /** From 1. */
  readonly number: number;
  readonly address: string;
  readonly namespace: string;
}

/** Hosts that reach each other at 10.77.0.1, 10.77.0.2 …, by multicast too. Disposing ends what still runs in them. */
export class Network implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #prefix: string;

  private constructor(prefix: string, count: number) {
    this.#prefix = prefix;
    this.hosts = Array.from({ length: count }, (_, index) => ({
      number: index + 1,
      address: `10.77.0.${index + 1}`,
      namespace: `${prefix}-${index + 1}`,
    }));
  }

  /** Throws what the system says when it refuses; nothing is left then. */
  static async make(count: number): Promise<Network> {
    if (count > HOSTS_MAX) throw new RangeError(`${count} hosts are more than ${HOSTS_MAX}`);
    await removeAbandoned();
    const network = new Network(`zs3t${Deno.pid}x${randomHex()}`, count);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Throws for a number that there isn't. */
  host(number: number): Host {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new RangeError(`there is no host ${number}`);
    return host;
  }

  /** A command that runs on the host, as itself: its process id is the program's. */
  command(host: Host, program: string, options: Deno.CommandOptions = {}): Deno.Command {
    const args = ["netns", "exec", host.namespace, program, ...options.args ?? []];
    return new Deno.Command("ip", { ...options, args });
  }

  /** Nothing passes between the two any more, in neither direction; neither side is told. */
  async cut(a: Host, b: Host): Promise<void> {
    await this.#setCables([[a, b]], "down");
  }

  async heal(a: Host, b: Host): Promise<void> {
    await this.#setCables([[a, b]], "up");
  }

  /** Cuts the host off from all others but those given. */
  async isolate(host: Host, but: readonly Host[] = []): Promise<void> {
    const others = this.hosts.filter((other) => other !== host && !but.includes(other));
    await this.#setCables(others.map((other) => [host, other]), "down");
  }

  async healAll(): Promise<void> {
    await this.#setCables(pairsOf(this.hosts), "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeNamespaces([...this.hosts.map(({ namespace }) => namespace), this.#inside]);
  }

  /** The namespace of the bridges and cables. */
  get #inside(): string {
    return `${this.#prefix}-net`;
  }

  async #build(): Promise<void> {
    for (const { namespace } of this.hosts) await ip(["netns", "add", namespace]);
    await ip(["netns", "add", this.#inside]);
    const inside = [
      ...this.hosts.flatMap(({ number, namespace }) => [
        `link add b${number} type bridge`,
        `link set b${number} up`,
        `link add h${number} type veth peer name eth0 netns ${namespace}`,
        `link set h${number} master b${number} up`,
      ]),
      ...pairsOf(this.hosts).flatMap(([a, b]) => [
        `link add ${cable(a, b)} type veth peer name ${cable(b, a)}`,
        ...cableEnd(a, b),
        ...cableEnd(b, a),
      ]),
    ];
    await ipBatch(this.#inside, inside);
    for (const { address, namespace } of this.hosts) {
      await ipBatch(namespace, [
        "link set lo up",
        `address add ${address}/24 dev eth0`,
        "link set eth0 up",
        "route add 224.0.0.0/4 dev eth0",
      ]);
    }
  }

  async #setCables(
    pairs: readonly (readonly [Host, Host])[],
    state: "up" | "down",
  ): Promise<void> {
    const ends = pairs.flatMap(([a, b]) => [cable(a, b), cable(b, a)]);
    await ipBatch(this.#inside, ends.map((end) => `link set ${end} ${state}`));
  }
}

/** Why no network can be made here, in words; undefined when one can. */
export async function findNetworkObstacle(): Promise<string | undefined> {
  try {
    await using _network = await Network.make(2);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no ip command (iproute2)";
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether networks can be made here. When not, says once why the tests of them are skipped. */
export async function canMakeNetworks(): Promise<boolean> {
  const obstacle = await findNetworkObstacle();
  if (obstacle === undefined) return true;
  const line = `SKIPPED: no network namespaces: ${obstacle}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
  return false;
}

/** The end at `from`'s bridge. */
function cable(from: Host, to: Host): string {
  return `c${from.number}.${to.number}`;
}

function cableEnd(from: Host, to: Host): string[] {
  const end = cable(from, to);
  return [
    `link set ${end} master b${from.number}`,
    `link set ${end} type bridge_slave isolated on`,
    `link set ${end} up`,
  ];
}

function pairsOf(hosts: readonly Host[]): (readonly [Host, Host])[] {
  return hosts.flatMap((a, index) => hosts.slice(index + 1).map((b) => [a, b] as const));
}

/** Those of processes that were killed before they could. */
async function removeAbandoned(): Promise<void> {
  const names = (await ip(["netns", "list"])).split("\n").map((line) => line.split(" ")[0] ?? "");
  await removeNamespaces(names.filter((name) => {
    const pid = NAME.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  }));
}

/** Ends the processes in them first: a namespace lives as long as they do. */
async function removeNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const found = await tryIp(["netns", "pids", name]);
    if (found === undefined) continue; // it was never made
    for (const pid of found.split("\n").filter((line) => line !== "")) kill(Number(pid));
    await tryIp(["netns", "delete", name]);
  }
}

function isRunning(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended meanwhile
  }
}

/** Commands as `ip -batch` takes them, inside a namespace. */
async function ipBatch(namespace: string, commands: readonly string[]): Promise<void> {
  await ip(["-n", namespace, "-batch", "-"], commands.map((line) => `${line}\n`).join(""));
}

/** What `ip` says. Throws with its complaint. */
async function ip(words: readonly string[], input = ""): Promise<string> {
  const command = new Deno.Command("ip", {
    args: [...words],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const process = command.spawn();
  const [{ code, stdout, stderr }] = await Promise.all([process.output(), feed(process, input)]);
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  throw new IpError(`ip ${words.join(" ")}: ${decoder.decode(stderr).trim()}`);
}

/** The same; undefined when it complains. */
async function tryIp(words: readonly string[]): Promise<string | undefined> {
  try {
    return await ip(words);
  } catch (error) {
    if (error instanceof IpError) return undefined;
    throw error;
  }
}

class IpError extends Error {}

async function feed(process: Deno.ChildProcess, input: string): Promise<void> {
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
}

function randomHex(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(3));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

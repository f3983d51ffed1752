/**
 * What the hash table finds, and at what cost, in a large network: without churn, and while a part of the nodes is replaced without
 * notice. All nodes are in this process and run the real code over a virtual clock, with latency and loss; the seed decides all.
 *
 *   deno run -A bench/dht.ts [--nodes=10000] [--churn=0.2] [--lookups=2000] [--minutes=20] [--seed=1]
 */

import { parseArgs } from "@std/cli/parse-args";
import type { DhtKey } from "../src/dht/dht.ts";
import { nearest } from "../src/dht/distance.ts";
import { Kademlia } from "../src/dht/kademlia.ts";
import type { LookupReport } from "../src/dht/lookup.ts";
import { LIMITS } from "../src/limits.ts";
import type { Contact } from "../src/peer/transport.ts";
import { SeededRandom } from "../tests/support/seed.ts";
import { EventLoop } from "../tests/sim/event_loop.ts";
import { VirtualTimers } from "../tests/sim/virtual_time.ts";
import { FastNetwork } from "../tests/unit/dht/network.ts";

interface Node {
  readonly contact: Contact;
  readonly dht: Kademlia;
  joinedAtMs: number;
  /** The report of the lookup that ended last. */
  last: LookupReport | undefined;
}

/** What the lookups of one kind came to. */
interface Sample {
  succeeded: number;
  failed: number;
  /** Of the k nodes that are nearest in truth, how many were found: 0 to 1. */
  readonly recall: number[];
  readonly hops: number[];
  readonly messages: number[];
  readonly durationsMs: number[];
}

interface Row {
  readonly churn: string;
  readonly what: string;
  readonly lookups: number;
  readonly successPercent: number;
  readonly recallOfK: Spread | undefined;
  readonly hops: Spread | undefined;
  readonly messages: Spread | undefined;
  readonly virtualMs: Spread | undefined;
}

interface Spread {
  readonly median: number;
  /** All but 1 % are at least as good. */
  readonly p99: number;
}

const options = parseArgs(Deno.args, {
  default: { nodes: 10_000, churn: 0.2, lookups: 2000, minutes: 20, seed: 1 },
});
const MINUTE_MS = 60_000;
/** A new node starts to join every so often. */
const JOIN_EVERY_MS = 20;
const LATENCY_MS = [5, 75] as const;
const LOSS_ONE_IN = 100;
const k = LIMITS.dhtBucketContactsMax;

const loop = new EventLoop();
const timers = new VirtualTimers(loop);
const random = new SeededRandom(options.seed);
const network = new FastNetwork({
  loop,
  random,
  latencyMs: LATENCY_MS,
  lossOneIn: LOSS_ONE_IN,
  copies: false,
});
const live: Node[] = [];
let nodesMade = 0;

const started = performance.now();
const rows: Row[] = [];
await loop.drive(buildNetwork());
const buildMessages = network.callCount;
const tables = { built: tableSizes() };
report("built", { messages: buildMessages });
for (const churn of [0, options.churn]) {
  const before = network.callCount;
  rows.push(...await loop.drive(measure(churn)));
  report("measured", { churn, messages: network.callCount - before });
}
const result = {
  bench: "dht",
  nodes: options.nodes,
  k,
  alpha: LIMITS.dhtCallsAtOnce,
  latencyMs: LATENCY_MS,
  lossOneIn: LOSS_ONE_IN,
  minutes: options.minutes,
  seed: options.seed,
  joinMessagesPerNode: Math.round(buildMessages / options.nodes),
  tableSize: { ...tables, afterChurn: tableSizes() },
  rows,
};
// deno-lint-ignore no-console -- a benchmark prints its result
console.table(rows.map(printable));
report("routing table, contacts: median / p99", result.tableSize);
await Deno.mkdir(new URL("results/", import.meta.url), { recursive: true });
await Deno.writeTextFile(
  new URL("results/dht.json", import.meta.url),
  JSON.stringify(result, null, 2) + "\n",
);

/** Every node joins by one that has joined before. */
async function buildNetwork(): Promise<void> {
  const joins: Promise<void>[] = [];
  for (let index = 0; index < options.nodes; index++) {
    joins.push(startNode());
    await loop.sleep(JOIN_EVERY_MS);
  }
  await Promise.all(joins);
}

async function startNode(): Promise<void> {
  const contact: Contact = { id: randomId(), address: `node-${nodesMade++}:9000` };
  const dht = new Kademlia({
    self: contact,
    transport: network.transportOf(contact),
    timers,
    random,
    onLookup: (report) => node.last = report,
  });
  const node: Node = { contact, dht, joinedAtMs: Infinity, last: undefined };
  network.add(contact, (from, message) => dht.handle(from, message));
  // A call to the one node to start from may be lost: whoever joins tries again.
  while (live.length > 0 && await dht.join([random.pick(live).contact]) === 0);
  node.joinedAtMs = loop.nowMs;
  live.push(node);
  maintain(node);
}

/** Upkeep once a minute, until the node has stopped. */
function maintain(node: Node): void {
  loop.after(random.below(MINUTE_MS), async function upkeep() {
    if (!network.has(node.contact)) return;
    await node.dht.maintain();
    loop.after(MINUTE_MS, upkeep);
  });
}

/** The node is gone: it doesn't say so, and nobody answers at its address. */
function killNode(): void {
  const index = random.below(live.length);
  const node = live[index];
  const last = live.pop();
  if (node === undefined || last === undefined) return;
  if (node !== last) live[index] = last;
  network.remove(node.contact);
  node.dht.stop();
}

async function measure(churn: number): Promise<Row[]> {
  const periodMs = options.minutes * MINUTE_MS;
  const keys = await announceKeys();
  const work: Promise<void>[] = [];
  const nodes = newSample();
  const providers = newSample();
  const at = (share: number, act: () => Promise<void>) =>
    work.push(loop.sleep(share * periodMs).then(act));
  for (const share of shares(Math.round(options.nodes * churn))) {
    at(share, () => {
      killNode();
      return startNode();
    });
  }
  for (const share of shares(options.lookups)) at(share, () => lookUpNode(nodes));
  for (const [index, share] of shares(options.lookups).entries()) {
    const announced = keys[index % keys.length];
    if (announced !== undefined) at(share, () => lookUpProvider(providers, announced));
  }
  await Promise.all(work);
  return [rowOf(churn, "node", nodes), rowOf(churn, "provider", providers)];
}

interface Announced {
  readonly key: DhtKey;
  readonly by: Node;
}

/** One key by each of so many nodes. They aren't announced again: what is lost stays lost. */
async function announceKeys(): Promise<Announced[]> {
  const announced = Array.from(
    { length: Math.min(options.lookups, options.nodes) },
    () => ({ key: randomId(), by: random.pick(live) }),
  );
  for (const { key, by } of announced) by.dht.announce([key]);
  await loop.sleep(MINUTE_MS);
  return announced;
}

async function lookUpNode(sample: Sample): Promise<void> {
  const target = random.pick(live);
  const origin = random.pick(live);
  if (target === origin) return;
  const startedAt = loop.nowMs;
  const found = await origin.dht.findNode(target.contact.id);
  if (!isLive(origin) || !isLive(target)) return;
  note(sample, origin, startedAt, found[0]?.id === target.contact.id);
  const truth = nearest(target.contact.id, steadyContacts(origin, startedAt), k);
  const ids = new Set(found.map((contact) => contact.id));
  sample.recall.push(truth.filter(({ id }) => ids.has(id)).length / truth.length);
}

/** Who joins or dies during a lookup can be found or not. */
function* steadyContacts(origin: Node, startedAt: number): Iterable<Contact> {
  for (const node of live) {
    if (node.joinedAtMs < startedAt && node !== origin) yield node.contact;
  }
}

async function lookUpProvider(sample: Sample, { key, by }: Announced): Promise<void> {
  const origin = random.pick(live);
  if (origin === by || !isLive(by)) return;
  const startedAt = loop.nowMs;
  const found = await origin.dht.findProviders(key, 1);
  if (!isLive(origin) || !isLive(by)) return;
  note(sample, origin, startedAt, found.some(({ id }) => id === by.contact.id));
}

function note(sample: Sample, origin: Node, startedAt: number, isSuccess: boolean): void {
  if (isSuccess) sample.succeeded++;
  else sample.failed++;
  sample.durationsMs.push(loop.nowMs - startedAt);
  if (origin.last === undefined) return;
  sample.hops.push(origin.last.hops);
  sample.messages.push(origin.last.messages);
}

function isLive(node: Node): boolean {
  return network.has(node.contact);
}

function rowOf(churn: number, what: string, sample: Sample): Row {
  const lookups = sample.succeeded + sample.failed;
  const recall = spreadOf(sample.recall.map((share) => -share));
  return {
    churn: `${100 * churn} %`,
    what,
    lookups,
    successPercent: Math.floor(10_000 * sample.succeeded / lookups) / 100,
    recallOfK: recall && { median: -recall.median, p99: -recall.p99 },
    hops: spreadOf(sample.hops),
    messages: spreadOf(sample.messages),
    virtualMs: spreadOf(sample.durationsMs),
  };
}

function newSample(): Sample {
  return { succeeded: 0, failed: 0, recall: [], hops: [], messages: [], durationsMs: [] };
}

function tableSizes(): Spread | undefined {
  return spreadOf(live.map((node) => node.dht.stats().contacts));
}

/** undefined when nothing was measured. */
function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, p99] = [0.5, 0.99].map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
  return median === undefined || p99 === undefined ? undefined : { median, p99 };
}

/** For a terminal: `median / p99`. */
function printable(row: Row): { readonly [column: string]: string } {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, printableValue(value)]),
  );
}

function printableValue(value: Row[keyof Row]): string {
  return typeof value === "object" ? `${value.median} / ${value.p99}` : `${value ?? ""}`;
}

function shares(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 0.5) / count);
}

function randomId(): DhtKey {
  return random.bytes(20).toHex();
}

function report(what: string, data: unknown): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const rssMb = Math.round(Deno.memoryUsage().rss / 2 ** 20);
  // deno-lint-ignore no-console -- a benchmark prints its result
  console.log(`${seconds} s, ${rssMb} MB, ${what}:`, data);
}

/** The harness itself, with a trivial program in place of zs3: what it claims to do to hosts, links and processes, it does. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { findClockObstacle, HostProgram } from "./host_program.ts";
import { canMakeNetworks, Network } from "./namespaces.ts";
import { RealCluster, type StartProgram } from "./real_cluster.ts";

const ignore = !await canMakeNetworks();
const SCRIPT = new URL("echo_program.ts", import.meta.url).href;
/** Long enough for a machine that is busy; and for one that is cut off. */
const ANSWER_MS = 30_000;
const SILENCE_MS = 700;

const startEcho: StartProgram = ({ network, host, dataDir }, options) =>
  HostProgram.start({
    ...options,
    network,
    host,
    script: SCRIPT,
    words: [`node-${host.number}`, host.address, dataDir],
    readyLine: /^node-\d+ ready\n/m,
  });

async function startEchoes(count: number): Promise<RealCluster> {
  const cluster = await RealCluster.make(count, startEcho);
  try {
    for (const { number } of cluster.nodes) await cluster.start(number);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function get(cluster: RealCluster, number: number, path: string): Promise<string> {
  const response = await fetch(cluster.url(number) + path);
  assertEquals(response.status, 200);
  return await response.text();
}

/** Who answers `from` at the address of `to`. */
function ask(cluster: RealCluster, from: number, to: number, ms: number): Promise<string> {
  return get(cluster, from, `/ask?address=${cluster.node(to).address}&ms=${ms}`);
}

async function assertReaches(cluster: RealCluster, from: number, to: number): Promise<void> {
  assertEquals(await ask(cluster, from, to, ANSWER_MS), `node-${to}`);
}

async function assertCut(cluster: RealCluster, from: number, to: number): Promise<void> {
  assertEquals(await ask(cluster, from, to, SILENCE_MS), "nobody");
}

async function namespaces(): Promise<string[]> {
  const { stdout } = await new Deno.Command("ip", { args: ["netns", "list"] }).output();
  return new TextDecoder().decode(stdout).split("\n");
}

Deno.test({ name: "hosts reach each other, and the test reaches them", ignore }, async () => {
  await using cluster = await startEchoes(3);
  for (const { number: from } of cluster.nodes) {
    assertEquals(await get(cluster, from, "/name"), `node-${from}`);
    for (const { number: to } of cluster.nodes) await assertReaches(cluster, from, to);
  }
});

Deno.test({ name: "a cut link parts two hosts and nobody else", ignore }, async () => {
  await using cluster = await startEchoes(3);
  await cluster.network.cut(cluster.node(1), cluster.node(2));
  await assertCut(cluster, 1, 2);
  await assertCut(cluster, 2, 1);
  await assertReaches(cluster, 1, 3);
  await assertReaches(cluster, 3, 2);
  await cluster.network.heal(cluster.node(1), cluster.node(2));
  await assertReaches(cluster, 1, 2);
});

Deno.test(
  { name: "an isolated node is cut off from all others, not from clients", ignore },
  async () => {
    await using cluster = await startEchoes(3);
    await cluster.isolate(2);
    assertEquals(await get(cluster, 2, "/name"), "node-2");
    await assertCut(cluster, 2, 1);
    await assertCut(cluster, 3, 2);
    await assertReaches(cluster, 1, 3);
    await cluster.network.healAll();
    await assertReaches(cluster, 2, 1);
  },
);

Deno.test({ name: "multicast reaches all others, but not over a cut link", ignore }, async () => {
  await using cluster = await startEchoes(3);
  await cluster.network.cut(cluster.node(1), cluster.node(2));
  await get(cluster, 1, "/shout?text=first");
  assertEquals(await get(cluster, 3, "/heard?text=first"), "first");
  await cluster.network.heal(cluster.node(1), cluster.node(2));
  await get(cluster, 1, "/shout?text=second");
  assertEquals(await get(cluster, 3, "/heard?text=second"), "first second");
  assertEquals(await get(cluster, 2, "/heard?text=second"), "second");
});

Deno.test(
  { name: "a paused program answers late, a killed one starts again on its disk", ignore },
  async () => {
    await using cluster = await startEchoes(2);
    await get(cluster, 1, "/keep?text=something");
    cluster.pause(1);
    await assertCut(cluster, 2, 1);
    const late = get(cluster, 1, "/kept");
    cluster.resume(1);
    assertEquals(await late, "something");
    await assertReaches(cluster, 2, 1);

    await cluster.kill(1);
    await assertCut(cluster, 2, 1);
    await assertRejects(() => get(cluster, 1, "/name"));
    await cluster.start(1);
    assertEquals(await get(cluster, 1, "/kept"), "something");
  },
);

Deno.test({ name: "a program's process is the program itself", ignore }, async () => {
  await using cluster = await startEchoes(1);
  const { pid } = cluster.program(1);
  const words = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
  assertEquals(words[0], Deno.execPath());
  assert(words.includes(SCRIPT));
});

const clockObstacle = findClockObstacle();
if (clockObstacle !== undefined) {
  Deno.stderr.writeSync(new TextEncoder().encode(`SKIPPED: no wrong clocks: ${clockObstacle}\n`));
}

Deno.test({
  name: "a program's clock can be wrong by minutes, in both directions",
  ignore: ignore || clockObstacle !== undefined,
}, async () => {
  const MINUTE_MS = 60_000;
  await using cluster = await RealCluster.make(1, startEcho);
  for (const clockOffsetMs of [5 * MINUTE_MS, -5 * MINUTE_MS]) {
    await cluster.start(1, { clockOffsetMs });
    const skewMs = Number(await get(cluster, 1, "/now")) - Date.now();
    assert(Math.abs(skewMs - clockOffsetMs) < MINUTE_MS, `${skewMs} ms off`);
    await cluster.kill(1);
  }
});

Deno.test({ name: "a program that ends before it is ready says why", ignore }, async () => {
  await using network = await Network.make(1);
  const host = network.host(1);
  const script = "data:application/javascript,throw new Error('no luck')";
  await assertRejects(
    () => HostProgram.start({ network, host, script, readyLine: /^ready$/m }),
    Error,
    "no luck",
  );
});

Deno.test({ name: "disposing leaves neither namespaces nor processes", ignore }, async () => {
  let prefix = "";
  let ended: Promise<Deno.CommandStatus>;
  {
    await using network = await Network.make(2);
    const host = network.host(1);
    prefix = host.namespace.replace(/-\d+$/, "");
    assertEquals((await namespaces()).filter((line) => line.startsWith(prefix)).length, 3);
    const orphan = network.command(host, "sleep", { args: ["1000"] }).spawn();
    ended = orphan.status;
    // It must be in the namespace before that is searched for what runs in it.
    while ((await Deno.readTextFile(`/proc/${orphan.pid}/comm`)) !== "sleep\n");
  }
  assertEquals((await ended).signal, "SIGKILL");
  assertEquals((await namespaces()).filter((line) => line.startsWith(prefix)), []);
});

Deno.test({ name: "what a killed test left behind is removed by the next", ignore }, async () => {
  const url = new URL("namespaces.ts", import.meta.url).href;
  const abandoning = `const { Network } = await import(${JSON.stringify(url)});` +
    `const { hosts } = await Network.make(2);` +
    `console.log(hosts[0].namespace); Deno.kill(Deno.pid, "SIGKILL");`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", abandoning],
    stderr: "inherit",
  }).output();
  const abandoned = new TextDecoder().decode(stdout).trim();
  assert(/^zs3t\d+x[0-9a-f]{6}-1$/.test(abandoned), abandoned);
  assert((await namespaces()).some((line) => line.startsWith(abandoned)));
  await using _next = await Network.make(1);
  assertEquals((await namespaces()).filter((line) => line.startsWith(abandoned)), []);
});

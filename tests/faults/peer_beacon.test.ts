/** Beacons between real processes: on one machine's loopback, and on hosts of a network of their own. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { HostProgram } from "../cluster/host_program.ts";
import { canMakeNetworks, type Host, Network } from "../cluster/namespaces.ts";
import { freeUdpPort, LOOPBACK } from "../support/beacons.ts";

const SCRIPT = new URL("peer_beacon/program.ts", import.meta.url).href;
const NAMES = ["a", "b", "c"];
const PORT = 9099;

const ignore = !await canMakeNetworks();

Deno.test("three processes find each other on the loopback of one machine", async () => {
  const port = freeUdpPort();
  await using processes = new AsyncDisposableStack();
  const outputs = NAMES.map((name) => {
    const process = processes.use(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", SCRIPT, name, String(NAMES.length - 1), String(port), LOOPBACK],
        stdout: "piped",
      }).spawn(),
    );
    return textUntil(process.stdout, /found all/);
  });
  for (const [at, output] of (await Promise.all(outputs)).entries()) {
    for (const other of NAMES.toSpliced(at, 1)) {
      assertMatch(output, new RegExp(`finds ${other.repeat(40)} at 127\\.0\\.0\\.1:\\d+\n`));
    }
  }
});

async function textUntil(stream: ReadableStream<Uint8Array<ArrayBuffer>>, end: RegExp) {
  let output = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (end.test(output)) break;
  }
  return output;
}

function start(network: Network, host: Host, readyLine: RegExp, others: number) {
  const name = NAMES[host.number - 1] ?? "";
  const words = [name, String(others), String(PORT)];
  return HostProgram.start({ network, host, script: SCRIPT, words, readyLine });
}

Deno.test({ name: "three hosts find each other at their own addresses", ignore }, async () => {
  await using network = await Network.make(3);
  // A host needn't have a route for multicast: each interface is sent on by name.
  for (const host of network.hosts) {
    const args = ["route", "delete", "224.0.0.0/4", "dev", "eth0"];
    const { success } = await network.command(host, "ip", { args }).output();
    assert(success);
  }
  const programs = await Promise.all(
    network.hosts.map((host) => start(network, host, /found all/, 2)),
  );
  for (const [at, program] of programs.entries()) {
    await using _program = program;
    for (const host of network.hosts.toSpliced(at, 1)) {
      const id = NAMES[host.number - 1]?.repeat(40);
      assertMatch(program.stdout, new RegExp(`finds ${id} at ${host.address}:\\d+\n`));
    }
    assertEquals(program.stdout.split("\n").filter((line) => line.includes("not be found")), []);
  }
});

Deno.test({ name: "an interface that comes later is used", ignore }, async () => {
  await using network = await Network.make(2);
  const [one, two] = [network.host(1), network.host(2)];
  const address = (verb: "add" | "delete") =>
    network.command(two, "ip", { args: ["address", verb, `${two.address}/24`, "dev", "eth0"] });
  await address("delete").output();
  await using late = await start(network, two, /is up/, 1);
  const first = start(network, one, /found all/, 1);
  await address("add").output();
  await using found = await first;
  assertMatch(found.stdout, new RegExp(`at ${two.address}:`));
  assertEquals(late.stderr, "");
});

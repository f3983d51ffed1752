/**
 * A node that only finds others, as a process. Words: its name (a hex digit), how many others there are, and the address of the
 * only interface to use, if any. Says "NAME finds ID at ADDRESS" for each that proved itself, and "NAME found all" then.
 */

import { Beacon } from "../../../src/peer/beacon.ts";
import { systemTimers } from "../../../src/timers.ts";
import { PATIENT_MS, PeerNode, testKey } from "../../support/peer_node.ts";

const [name = "", others = "", port = "", interfaceAddress] = Deno.args;
const found = new Set<string>();
const node = new PeerNode({ name, hostname: interfaceAddress ?? "0.0.0.0" });

async function greet(address: string): Promise<void> {
  const { id } = await node.transport.identify(address, PATIENT_MS);
  if (found.has(id)) return;
  found.add(id);
  say(`${name} finds ${id} at ${address}`);
  if (found.size === Number(others)) say(`${name} found all`);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

const beacon = new Beacon({
  self: node.self,
  key: testKey(),
  timers: systemTimers,
  port: Number(port),
  interfaceAddress,
  intervalMs: 500,
  found: (address) => void greet(address),
  onFault: (what, cause) => say(`${what}: ${cause}`),
});
beacon.start();
say(`${name} is up`);

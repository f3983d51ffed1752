/** Two nodes, one of which calls the other; says "reached", and which proxy is in the environment afterwards. */

import { printLine } from "../../../../src/cli/print.ts";
import { PATIENT_MS, PeerNode } from "../../../support/peer_node.ts";

await using a = new PeerNode({ name: "a" });
await using b = new PeerNode({ name: "b" });
await a.transport.call(b.contact, { kind: "test.ping", data: {} }, PATIENT_MS);
printLine(Deno.stdout, `reached, ${Deno.env.get("HTTP_PROXY")}`);

/** Reads and writes on quorums, with peers that are slow, silent, stale, or lie. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { S3Error } from "../../../src/errors.ts";
import { PeerFault, type Reply } from "../../../src/peer/transport.ts";
import { bucketName, objectName, partName, uploadName } from "../../../src/storage/record.ts";
import { encodeRecord } from "../../../src/cluster/record_codec.ts";
import { Bench, object, record } from "./bench.ts";

const NAME = objectName("bucket", "key");
const HOME = record(bucketName("bucket"), 1);

Deno.test("quorum: what a read gives is on a quorum, however late a newer answer comes", async () => {
  const bench = new Bench(3);
  const [old, young] = [object("key", 1), object("key", 2)];
  await bench.drive(bench.node(0).records.apply([HOME, old]));
  // The read must write the old one back, and while it does the third node tells of a write that nobody acknowledged.
  bench.meddle(({ to, message }) => {
    if (to === 2 && message.kind === "record.write") return new Promise(() => {});
    if (to === 1 && message.kind === "record.write") {
      return bench.loop.sleep(100).then(() => undefined);
    }
    if (to !== 2 || message.kind !== "record.read") return undefined;
    return bench.loop.sleep(50).then(() => ({ data: { records: [encodeRecord(young)] } }));
  });
  const found = await bench.drive(bench.node(0).quorum.find(NAME));
  const copies = bench.nodes.map(({ records }) => records.find(NAME)?.version);
  const holding = copies.filter((copy) => copy === found?.version);
  assert(holding.length >= 2, `${found?.version} is given, and on the nodes are ${copies}`);
});

/** Conditional writes where the store applies none: refused, alike in every operation, before anything else is judged. */

import { assertEquals } from "@std/assert";
import { MemoryStore } from "../../src/storage/memory_store.ts";
import { type Message, openTestServer, type Reply, textOf, texts } from "../support/s3_client.ts";

const MESSAGE = "Conditional writes are not implemented in distributed mode.";

const CONDITIONS: readonly Readonly<Record<string, string>>[] = [
  { "if-none-match": "*" },
  { "if-none-match": '"x"' },
  { "if-match": '"x"' },
  { "if-match": "*" },
  { "if-match": '"x","y"' },
  { "if-unmodified-since": "Fri, 02 Jan 2026 03:04:05 GMT" },
  { "x-amz-if-match-size": "many" },
  { "x-amz-if-match-last-modified-time": "then" },
];

/** The last of each pair of targets is of a request that is wrong in another way too. */
const WRITES: readonly (readonly [name: string, method: string, targets: string[], Message])[] = [
  ["PutObject", "PUT", ["/bkt/key", "/none/key"], { body: "x" }],
  ["CopyObject", "PUT", ["/bkt/key", "/none/key"], {
    headers: { "x-amz-copy-source": "/bkt/none" },
  }],
  ["CompleteMultipartUpload", "POST", ["/bkt/key?uploadId=none", "/none/key?uploadId=none"], {
    body: "no XML",
  }],
  ["DeleteObject", "DELETE", ["/bkt/key", "/none/key", "/bkt/key?versionId=none"], {}],
];

async function openUnconditional() {
  const server = openTestServer({ store: new MemoryStore({ conditionalWrites: "refused" }) });
  const send = server.as("admin");
  await send("PUT", "/bkt");
  await send("PUT", "/bkt/key", { body: "old" });
  return { server, send };
}

function assertRefused(reply: Reply): void {
  assertEquals([reply.status, reply.code, textOf(reply.text, "Message")], [
    501,
    "NotImplemented",
    MESSAGE,
  ]);
}

for (const [name, method, targets, message] of WRITES) {
  Deno.test(`${name} takes no condition`, async () => {
    const { send } = await openUnconditional();
    for (const target of targets) {
      for (const condition of CONDITIONS) {
        const headers = { ...message.headers, ...condition };
        assertRefused(await send(method, target, { ...message, headers }));
      }
    }
    assertEquals((await send("GET", "/bkt/key")).text, "old");
  });
}

Deno.test("a refused body isn't received", async () => {
  const { server } = await openUnconditional();
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({ pull: () => void pulls++ }, { highWaterMark: 0 });
  const headers = server.headers("admin", "PUT", "/bkt/key", {
    headers: { "if-none-match": "*", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  });
  headers.set("content-length", "5");
  const url = "http://localhost:9000/bkt/key";
  const response = await server.fetch(new Request(url, { method: "PUT", headers, body }));
  assertEquals([response.status, pulls], [501, 0]);
  await response.body?.cancel();
});

Deno.test("DeleteObjects refuses the conditional ones among its keys", async () => {
  const { send } = await openUnconditional();
  await send("PUT", "/bkt/plain", { body: "x" });
  const objects = [
    "<Object><Key>key</Key><ETag>*</ETag></Object>",
    "<Object><Key>key</Key><Size>many</Size></Object>",
    "<Object><Key>none</Key><LastModifiedTime>then</LastModifiedTime></Object>",
    "<Object><Key>plain</Key></Object>",
  ];
  const body = `<Delete>${objects.join("")}</Delete>`;
  const { text } = await send("POST", "/bkt?delete", { body });
  assertEquals(texts(text, "Code"), Array(3).fill("NotImplemented"));
  assertEquals(texts(text, "Message"), Array(3).fill(MESSAGE));
  assertEquals(texts((await send("GET", "/bkt")).text, "Key"), ["key"]);
});

Deno.test("conditions of reads and of a copy's source are applied all the same", async () => {
  const { send } = await openUnconditional();
  const get = await send("GET", "/bkt/key", { headers: { "if-match": '"x"' } });
  assertEquals(get.status, 412);
  const source = { "x-amz-copy-source": "/bkt/key", "x-amz-copy-source-if-match": '"x"' };
  const copy = await send("PUT", "/bkt/copy", { headers: source });
  assertEquals(copy.code, "PreconditionFailed");
});

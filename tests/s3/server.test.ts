import { assertEquals, assertMatch } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { MemoryStore } from "../../src/storage/memory_store.ts";
import { openTestServer, type Send, textOf } from "../support/s3_client.ts";

for (const path of ["/_zs3/health", "/minio/health/live", "/minio/health/ready"]) {
  Deno.test(`${path} is 200 for everyone`, async () => {
    const send = openTestServer({ domains: ["localhost"] }).as("anonymous");
    assertEquals((await send("GET", path)).status, 200);
    assertEquals((await send("HEAD", path)).status, 200);
    assertEquals((await send("PUT", path, { body: "" })).status === 200, false);
  });
}

Deno.test("every reply has its own request id, an error names it", async () => {
  const send = openTestServer().as("admin");
  const replies = [await send("GET", "/"), await send("GET", "/none"), await send("HEAD", "/none")];
  const ids = replies.map(({ headers }) => headers.get("x-amz-request-id") ?? "");
  for (const id of ids) assertMatch(id, /^[0-9A-F]{16}$/);
  assertEquals(new Set(ids).size, 3);
  const [, error] = replies;
  assertEquals(textOf(error?.text ?? "", "RequestId"), ids[1]);
  assertEquals(textOf(error?.text ?? "", "Resource"), "/none");
});

Deno.test("an error of HEAD has a status and no body", async () => {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  for (const [target, status] of [["/none", 404], ["/bkt/none", 404], ["/bkt?policy", 405]]) {
    const reply = await send("HEAD", String(target));
    assertEquals([reply.status, reply.bytes.length], [status, 0]);
  }
});

Deno.test("a method that a resource hasn't is 405 with those it has", async () => {
  const reply = await openTestServer().as("admin")("PATCH", "/bkt/key", { body: "x" });
  assertEquals([reply.status, reply.code], [405, "MethodNotAllowed"]);
  assertEquals(reply.headers.get("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
});

Deno.test("more than 8 KB of headers are refused", async () => {
  const headers = { "x-padding": "p".repeat(8 * 1024) };
  const reply = await openTestServer().as("admin")("GET", "/", { headers });
  assertEquals([reply.status, reply.code], [431, "RequestHeaderSectionTooLarge"]);
});

Deno.test("one request is one record, without anything secret", async () => {
  const server = openTestServer();
  await server.as("alice")("PUT", "/bkt");
  await server.as("alice")("PUT", "/bkt/a%20b", { body: "hello" });
  await server.as("anonymous")("GET", "/bkt/a%20b?X-Amz-Signature=secret");
  await server.as("alice")("GET", "/bkt/a%20b");
  await server.as("anonymous")("GET", "/_zs3/health");
  const told = server.records.map((record) => {
    assertMatch(record.requestId, /^[0-9A-F]{16}$/);
    assertEquals([record.timeMs, record.durationMs], [server.clock.nowMs, 0]);
    const { method, operation, bucket, key, accessKeyId, status, errorCode, sentBytes } = record;
    const size = errorCode === undefined ? sentBytes : typeof sentBytes;
    return [method, operation, bucket, key, accessKeyId, status, errorCode, size];
  });
  const none = undefined;
  const bad = "AuthorizationQueryParametersError";
  assertEquals(told, [
    ["PUT", "CreateBucket", "bkt", none, "ALICEKEY", 200, none, 0],
    ["PUT", "PutObject", "bkt", "a b", "ALICEKEY", 200, none, 0],
    ["GET", "GetObject", "bkt", "a b", none, 400, bad, "number"],
    ["GET", "GetObject", "bkt", "a b", "ALICEKEY", 200, none, 5],
    ["GET", "Health", none, none, none, 200, none, 3],
  ]);
  assertEquals(JSON.stringify(server.records).includes("secret"), false);
});

class BrokenStore extends MemoryStore {
  constructor(readonly fault: unknown) {
    super();
  }
  override findBucket(): never {
    throw this.fault;
  }
  override listBuckets(): Promise<never> {
    return Promise.reject(this.fault);
  }
}

const FAULTS = [new Error("disk /dev/sda1 fell off"), "text", undefined];

for (const fault of FAULTS) {
  Deno.test(`the fault ${String(fault)} is a 500 that tells nothing, and one line of log`, async () => {
    const server = openTestServer({ store: new BrokenStore(fault) });
    const asks: readonly [Send, string, string][] = [
      [server.as("admin"), "GET", "/"],
      [server.as("admin"), "HEAD", "/bkt"],
      [server.as("anonymous"), "GET", "/bkt/key"],
    ];
    for (const [send, method, target] of asks) {
      const reply = await send(method, target);
      assertEquals([reply.status, reply.text.includes("sda1")], [500, false]);
      if (method === "GET") assertEquals(reply.code, "InternalError");
    }
    assertEquals(server.faults, [fault, fault, fault]);
    assertEquals(server.records.map((record) => record.errorCode), Array(3).fill("InternalError"));
  });
}

Deno.test("what a store says to the client is no fault", async () => {
  const server = openTestServer({ store: new BrokenStore(new S3Error("SlowDown")) });
  const reply = await server.as("admin")("GET", "/");
  assertEquals([reply.status, reply.code, server.faults], [503, "SlowDown", []]);
});

Deno.test("a bucket may stand before a configured domain", async () => {
  const send = openTestServer({ domains: ["s3.test"] }).as("admin");
  const host = "bkt.s3.test:9000";
  assertEquals((await send("PUT", "/", { host })).status, 200);
  assertEquals((await send("PUT", "/a/key", { host, body: "x" })).status, 200);
  assertEquals((await send("GET", "/a/key", { host: "BKT.s3.test" })).text, "x");
  assertEquals((await send("GET", "/bkt/a/key")).text, "x");
  assertEquals(textOf((await send("GET", "/?prefix=a", { host })).text, "Key"), "a/key");
});

const UNSIGNED_WRITES = [
  "PUT /bkt",
  "PUT /bkt/key",
  "POST /bkt?delete",
  "PUT /bkt?cors",
  "DELETE /bkt/key",
];

for (const line of UNSIGNED_WRITES) {
  Deno.test(`an unsigned ${line} is denied before a byte of its body is read`, async () => {
    const server = openTestServer();
    await server.as("admin")("PUT", "/bkt");
    const [method = "", target = ""] = line.split(" ");
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({ pull: () => void pulls++ }, { highWaterMark: 0 });
    const headers = { host: "localhost", "content-length": "5" };
    const request = new Request(`http://localhost${target}`, { method, headers, body });
    const response = await server.fetch(request);
    assertEquals([response.status, pulls], [403, 0]);
    await response.body?.cancel();
  });
}

/** What a node answers besides S3, and that it answers nothing but that before it has joined. */

import { assertEquals, assertMatch } from "@std/assert";
import { createKeyring } from "../../src/auth/keyring.ts";
import { systemRandom } from "../../src/clock.ts";
import { type ClusterView, createClusterPages } from "../../src/cluster_pages.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RequestRecord } from "../../src/log.ts";
import type { Contact } from "../../src/peer/transport.ts";
import { VERSION } from "../../src/version.ts";
import { KEY_PAIRS, type Message, openTestServer, type Who } from "../support/s3_client.ts";

const ID = "0123456789abcdef0123456789abcdef01234567";
const OTHER: Contact = { id: "f".repeat(40), address: "[::1]:9001" };
const HASH = "ab".repeat(32);
const REMOTE: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 4242 };

class FakeView implements ClusterView {
  readonly id = ID;
  isReady = true;
  /** Hashes that were asked for. */
  readonly asked: string[] = [];
  findProviders: () => Promise<readonly Contact[]> = () => Promise.resolve([OTHER]);

  health(): "ok" {
    return "ok";
  }

  peers() {
    const lastSeenMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    return [
      { id: ID, address: "127.0.0.1:9000", lastSeenMs, state: "settled" },
      { ...OTHER, lastSeenMs: undefined, state: "voting" },
    ];
  }

  providers(hash: string): Promise<readonly Contact[]> {
    this.asked.push(hash);
    return this.findProviders();
  }

  status() {
    return { members: [], recordsBehind: 7 };
  }
}

function openNode() {
  const view = new FakeView();
  const server = openTestServer();
  const records: RequestRecord[] = [];
  const faults: unknown[] = [];
  const fetch = createClusterPages({
    view,
    world: {
      keyring: createKeyring(Object.values(KEY_PAIRS)),
      clock: { now: () => server.clock.nowMs },
      region: undefined,
    },
    random: systemRandom,
    log: {
      notice: () => {},
      request: (record) => records.push(record),
      fault: (_, cause) => faults.push(cause),
    },
    peer: async (request, remote) =>
      new Response(`peer ${await request.text()} from ${remote.port}`),
    s3: server.fetch,
  });
  const send = async (
    method: string,
    target: string,
    who: Who = "anonymous",
    message: Message = {},
  ) => {
    const headers = server.headers(who, method, target, message);
    const url = `http://localhost:9000${target}`;
    return await fetch(new Request(url, { method, headers, body: message.body ?? null }), REMOTE);
  };
  return { view, server, records, faults, send };
}

const PAGES: readonly (readonly [target: string, json: unknown])[] = [
  ["/_zs3/ping", { id: ID, version: VERSION, state: "ready", health: "ok" }],
  ["/_zs3/peers", [
    { id: ID, address: "127.0.0.1:9000", lastSeen: "2026-01-02T03:04:05.678Z", state: "settled" },
    { ...OTHER, lastSeen: null, state: "voting" },
  ]],
  [`/_zs3/providers/${HASH}`, { hash: HASH, providers: [OTHER] }],
  [`/_zs3/providers/${HASH.toUpperCase()}?x=y`, { hash: HASH, providers: [OTHER] }],
];

for (const [target, json] of PAGES) {
  Deno.test(`${target} is for everybody, joined or not`, async () => {
    const { view, send } = openNode();
    for (const isReady of [true, false]) {
      view.isReady = isReady;
      const response = await send("GET", target);
      const { status, headers } = response;
      assertEquals([status, headers.get("content-type")], [200, "application/json"]);
      assertMatch(headers.get("x-amz-request-id") ?? "", /^[0-9A-F]{16}$/);
      const text = await response.text();
      assertEquals(text.endsWith("\n"), true);
      const expected = target === "/_zs3/ping" && !isReady
        ? { ...json as object, state: "joining" }
        : json;
      assertEquals(JSON.parse(text), expected);
      const head = await send("HEAD", target);
      assertEquals([head.status, await head.text()], [200, ""]);
    }
  });
}

const REFUSED: readonly (readonly [
  method: string,
  target: string,
  status: number,
  error: string,
  allow?: string,
])[] = [
  ["GET", "/_zs3/none", 404, "There is no such page."],
  ["GET", "/_zs3/", 404, "There is no such page."],
  ["POST", "/_zs3/hello/", 404, "There is no such page."],
  ["GET", "/_zs3/providers/", 400, "The hash must be a BLAKE3 hash of 64 hex digits."],
  ["GET", `/_zs3/providers/${HASH}0`, 400, "The hash must be a BLAKE3 hash of 64 hex digits."],
  [
    "GET",
    `/_zs3/providers/${"xy".repeat(32)}`,
    400,
    "The hash must be a BLAKE3 hash of 64 hex digits.",
  ],
  ...["/_zs3/ping", "/_zs3/peers", `/_zs3/providers/${HASH}`].flatMap((target) =>
    ["POST", "PUT", "DELETE", "OPTIONS"].map((method) =>
      [
        method,
        target,
        405,
        "The specified method is not allowed against this resource.",
        "GET, HEAD",
      ] as const
    )
  ),
  ...["/_zs3/hello", "/_zs3/peer"].map((target) =>
    [
      "GET",
      target,
      405,
      "The specified method is not allowed against this resource.",
      "POST",
    ] as const
  ),
];

for (const [method, target, status, error, allow] of REFUSED) {
  Deno.test(`${method} ${target} is ${status}`, async () => {
    const { view, send, faults } = openNode();
    const response = await send(method, target);
    assertEquals([response.status, response.headers.get("allow")], [status, allow ?? null]);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(await response.json(), { error });
    assertEquals([view.asked, faults], [[], []]);
  });
}

Deno.test("the status is an administrator's", async () => {
  const { send, records } = openNode();
  const response = await send("GET", "/_zs3/status", "admin");
  assertEquals([response.status, await response.json()], [200, { members: [], recordsBehind: 7 }]);
  for (const who of ["writer", "reader", "alice", "anonymous"] as const) {
    const refused = await send("GET", "/_zs3/status", who);
    assertEquals(refused.status, 403);
    assertMatch(await refused.text(), /<Code>AccessDenied<\/Code>/);
  }
  assertEquals((await send("HEAD", "/_zs3/status", "reader")).status, 403);
  assertEquals((await send("POST", "/_zs3/status", "admin")).status, 405);
  const keys = records.map((
    { operation, accessKeyId, status },
  ) => [operation, accessKeyId, status]);
  assertEquals(keys.slice(0, 2), [["Status", "ADMINKEY", 200], ["Status", "WRITERKEY", 403]]);
  assertEquals(keys[4], ["Status", undefined, 403]);
});

Deno.test("a status signed wrongly or long ago isn't given", async () => {
  const { server, send } = openNode();
  const target = server.presign("admin", "GET", "/_zs3/status");
  assertEquals((await send("GET", target)).status, 200);
  assertEquals(
    (await send("GET", target.replace(/.$/, (digit) => digit === "0" ? "1" : "0"))).status,
    403,
  );
  server.clock.nowMs += 901_000;
  assertEquals((await send("GET", target)).status, 403);
});

Deno.test("what peers say goes to the peer endpoint, joined or not, without a line of log", async () => {
  const { view, send, records } = openNode();
  for (const isReady of [true, false]) {
    view.isReady = isReady;
    for (const target of ["/_zs3/hello", "/_zs3/peer"]) {
      const response = await send("POST", target, "anonymous", { body: "hi" });
      assertEquals(await response.text(), "peer hi from 4242");
    }
  }
  assertEquals(records, []);
});

Deno.test("S3 and health wait until the node has joined", async () => {
  const { view, send, server } = openNode();
  view.isReady = false;
  for (
    const target of [
      "/",
      "/bkt",
      "/bkt/key",
      "/_zs3/health",
      "/minio/health/live",
      "/minio/health/ready",
    ]
  ) {
    const response = await send("GET", target, "admin");
    assertEquals([response.status, response.headers.get("retry-after")], [503, "1"], target);
    assertMatch(
      await response.text(),
      /<Code>ServiceUnavailable<\/Code><Message>This node is joining/,
    );
    assertEquals((await send("HEAD", target)).status, 503);
  }
  assertEquals((await send("PUT", "/bkt", "admin")).status, 503);
  assertEquals(server.records, []);
  view.isReady = true;
  assertEquals((await send("PUT", "/bkt", "admin")).status, 200);
  for (const target of ["/_zs3/health", "/minio/health/live", "/minio/health/ready"]) {
    assertEquals((await send("GET", target)).status, 200);
  }
  view.isReady = false;
  assertEquals((await send("GET", "/bkt", "admin")).status, 503);
});

Deno.test("lookups for everybody are a few at a time", async () => {
  const { view, send } = openNode();
  const found = Promise.withResolvers<readonly Contact[]>();
  view.findProviders = () => found.promise;
  const target = `/_zs3/providers/${HASH}`;
  const waiting = Array.from({ length: LIMITS.providerLookupsAtOnce }, () => send("GET", target));
  const refused = await send("GET", target);
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  found.resolve([]);
  for (const response of await Promise.all(waiting)) {
    assertEquals(await response.json(), { hash: HASH, providers: [] });
  }
  assertEquals((await send("GET", target)).status, 200);
});

Deno.test("a page that fails tells nothing, and is a fault in the log", async () => {
  const { view, send, faults } = openNode();
  const fault = new Error("disk /dev/sda1 fell off");
  view.findProviders = () => Promise.reject(fault);
  for (let n = 0; n <= LIMITS.providerLookupsAtOnce; n++) {
    const response = await send("GET", `/_zs3/providers/${HASH}`);
    const { error } = await response.json();
    assertEquals([response.status, error.includes("internal error")], [500, true]);
  }
  assertEquals(faults[0], fault);
});

Deno.test("an answered page is one record", async () => {
  const { send, records } = openNode();
  await send("GET", "/_zs3/ping");
  await send("GET", "/_zs3/none");
  await send("GET", `/_zs3/providers/${HASH}`);
  const told = records.map(({ operation, status, errorCode }) => [operation, status, errorCode]);
  assertEquals(told, [
    ["Ping", 200, undefined],
    [undefined, 404, "NoSuchKey"],
    ["Providers", 200, undefined],
  ]);
});

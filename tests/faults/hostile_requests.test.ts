/** Requests put together at random, signed by random callers: each gets an answer of the client's fault, and no more than it may. */

import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { BODIES, HEADERS, HOSTS, METHODS, PARAMETERS, PATHS } from "../support/hostile.ts";
import { openTestServer, type TestServer, type Who } from "../support/s3_client.ts";

const RUNS = Number(Deno.env.get("ZS3_FUZZ_RUNS") ?? 2000);
const SEED = Number(Deno.env.get("ZS3_FUZZ_SEED") ?? Date.now() % 1_000_000_007);

const CALLERS: readonly Who[] = ["admin", "admin", "writer", "reader", "alice", "bob", "anonymous"];
const READS = ["GET", "HEAD", "OPTIONS"];
/** Who may change what is in `bkt`, which is the admin's. */
const WRITERS: readonly Who[] = ["admin", "writer"];

const hostileRequest = fc.record({
  who: fc.constantFrom(...CALLERS),
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PATHS),
  query: fc.array(fc.constantFrom(...PARAMETERS), { maxLength: 2 }),
  headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 3 }),
  host: fc.oneof({ weight: 8, arbitrary: fc.constant(HOSTS[0]) }, fc.constantFrom(...HOSTS)),
  body: fc.option(fc.constantFrom(...BODIES), { nil: undefined }),
});

type HostileRequest = typeof hostileRequest extends fc.Arbitrary<infer T> ? T : never;

async function restore(server: TestServer): Promise<void> {
  const send = server.as("admin");
  await send("PUT", "/bkt");
  await send("PUT", "/bkt?acl", { headers: { "x-amz-acl": "private" } });
  await send("PUT", "/bkt/key", { body: "kept" });
  await send("PUT", "/public", { headers: { "x-amz-acl": "public-read" } });
  await send("PUT", "/public/key", { body: "kept" });
}

async function send(server: TestServer, request: HostileRequest): Promise<void> {
  const { who, method, path, query, host = "", body } = request;
  const target = query.length === 0 ? path : `${path}?${query.join("&")}`;
  const headers = Object.fromEntries(request.headers);
  const hasBody = body !== undefined && method !== "GET" && method !== "HEAD";
  const message = { headers, host, ...(hasBody && { body }) };
  const reply = await server.as(who)(method, target, message);
  assertMatch(String(reply.status), /^(?:2..|304|4..|501)$/, reply.text);
  assertMatch(reply.headers.get("x-amz-request-id") ?? "", /^[0-9A-F]{16}$/);
  assertEquals(server.faults, []);
  if (method === "HEAD") assertEquals(reply.bytes.length, 0);
}

async function checkUntouched(server: TestServer, who: Who): Promise<void> {
  if (WRITERS.includes(who)) return;
  assertEquals((await server.as("admin")("GET", "/bkt/key")).text, "kept");
}

/** A query that isn't percent-encoded can't be signed by a client either: such a request goes unsigned. */
function asSendable(request: HostileRequest): HostileRequest {
  const isBroken = request.query.some((parameter) => parameter.includes("%ff"));
  return isBroken ? { ...request, who: "anonymous" } : request;
}

Deno.test(`${RUNS} hostile requests, seed ${SEED}`, async () => {
  const server = openTestServer({ domains: ["s3.test"] });
  await restore(server);
  const property = fc.asyncProperty(hostileRequest, async (generated) => {
    const request = asSendable(generated);
    await send(server, request);
    await checkUntouched(server, request.who);
    if (!READS.includes(request.method)) await restore(server);
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});

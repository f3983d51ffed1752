import { assertEquals } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { openTestServer, type TestServer, texts } from "../support/s3_client.ts";

const ORIGIN = "https://app.example.com";
const RULES = `<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <CORSRule>
    <ID>writes</ID>
    <AllowedMethod>PUT</AllowedMethod>
    <AllowedOrigin>https://*.example.com</AllowedOrigin>
    <AllowedHeader>x-amz-*</AllowedHeader>
    <AllowedHeader>authorization</AllowedHeader>
    <ExposeHeader>ETag</ExposeHeader>
    <MaxAgeSeconds>60</MaxAgeSeconds>
  </CORSRule>
  <CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>
</CORSConfiguration>`;

async function openWorld(rules?: string): Promise<TestServer> {
  const server = openTestServer();
  const send = server.as("admin");
  await send("PUT", "/bkt");
  await send("PUT", "/bkt/key", { body: "x", headers: { "x-amz-acl": "public-read" } });
  if (rules !== undefined) await send("PUT", "/bkt?cors", { body: rules });
  return server;
}

function corsOf(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith("access-control-"))
      .map(([name, value]) => [name.slice("access-control-".length), value]),
  );
}

Deno.test("rules are put, got and deleted", async () => {
  const send = (await openWorld()).as("admin");
  const missing = await send("GET", "/bkt?cors");
  assertEquals([missing.status, missing.code], [404, "NoSuchCORSConfiguration"]);
  assertEquals((await send("PUT", "/bkt?cors", { body: RULES })).status, 200);
  const { text } = await send("GET", "/bkt?cors");
  assertEquals(texts(text, "ID"), ["writes"]);
  assertEquals(texts(text, "AllowedMethod"), ["PUT", "GET"]);
  assertEquals(texts(text, "AllowedOrigin"), ["https://*.example.com", "*"]);
  assertEquals(texts(text, "AllowedHeader"), ["x-amz-*", "authorization"]);
  assertEquals((await send("DELETE", "/bkt?cors")).status, 204);
  assertEquals((await send("GET", "/bkt?cors")).code, "NoSuchCORSConfiguration");
});

Deno.test("refused rules leave those in force", async () => {
  const send = (await openWorld(RULES)).as("admin");
  const body = RULES.replace("PUT", "PATCH");
  assertEquals((await send("PUT", "/bkt?cors", { body })).code, "InvalidRequest");
  const huge = RULES.replace("writes", "w".repeat(LIMITS.corsConfigurationBytesMax));
  assertEquals((await send("PUT", "/bkt?cors", { body: huge })).code, "MaxMessageLengthExceeded");
  assertEquals(texts((await send("GET", "/bkt?cors")).text, "AllowedMethod"), ["PUT", "GET"]);
});

for (const path of ["/", "/bkt", "/bkt/key", "/missing/key"]) {
  Deno.test(`without rules a browser may ask anything of ${path}`, async () => {
    const reply = await (await openWorld()).as("anonymous")("OPTIONS", path, {
      headers: {
        origin: ORIGIN,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization, x-amz-date",
      },
    });
    assertEquals([reply.status, reply.text], [200, ""]);
    assertEquals(corsOf(reply.headers), {
      "allow-origin": "*",
      "allow-methods": "GET, PUT, HEAD, POST, DELETE",
      "allow-headers": "authorization, x-amz-date",
      "max-age": "3000",
    });
  });
}

Deno.test("a rule that fits is told to the browser", async () => {
  const reply = await (await openWorld(RULES)).as("anonymous")("OPTIONS", "/bkt/new?uploads", {
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "PUT",
      "access-control-request-headers": "X-Amz-Date,Authorization",
    },
  });
  assertEquals(reply.status, 200);
  assertEquals(corsOf(reply.headers), {
    "allow-origin": ORIGIN,
    "allow-credentials": "true",
    "allow-methods": "PUT",
    "allow-headers": "X-Amz-Date, Authorization",
    "max-age": "60",
  });
  assertEquals(reply.headers.get("vary")?.includes("Origin"), true);
});

const REFUSED: readonly [why: string, headers: Record<string, string>, status: number][] = [
  ["another origin", {
    origin: "https://evil.test",
    "access-control-request-method": "PUT",
  }, 403],
  ["another method", { origin: ORIGIN, "access-control-request-method": "DELETE" }, 403],
  ["another header", {
    origin: ORIGIN,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "x-amz-date, cookie",
  }, 403],
  ["no method", { origin: ORIGIN }, 400],
  ["no origin", { "access-control-request-method": "PUT" }, 400],
];

for (const [why, headers, status] of REFUSED) {
  Deno.test(`a preflight with ${why} is ${status}`, async () => {
    const reply = await (await openWorld(RULES)).as("anonymous")("OPTIONS", "/bkt/key", {
      headers,
    });
    assertEquals([reply.status, corsOf(reply.headers)], [status, {}]);
  });
}

Deno.test("without rules a reply exposes all its headers to any origin", async () => {
  const send = (await openWorld()).as("admin");
  const reply = await send("PUT", "/bkt/key", { body: "x", headers: { origin: ORIGIN } });
  const { "expose-headers": exposed = "", ...rest } = corsOf(reply.headers);
  assertEquals(rest, { "allow-origin": "*", "allow-methods": "GET, PUT, HEAD, POST, DELETE" });
  for (const name of ["etag", "x-amz-request-id", "x-amz-checksum-crc64nvme"]) {
    assertEquals(exposed.split(", ").includes(name), true, exposed);
  }
});

Deno.test("a reply keeps to the rules", async () => {
  const server = await openWorld(RULES);
  const headers = { origin: ORIGIN };
  const put = await server.as("admin")("PUT", "/bkt/key", { body: "x", headers });
  assertEquals(corsOf(put.headers), {
    "allow-origin": ORIGIN,
    "allow-credentials": "true",
    "allow-methods": "PUT",
    "expose-headers": "ETag",
  });
  const deleted = await server.as("admin")("DELETE", "/bkt/key", { headers });
  assertEquals([deleted.status, corsOf(deleted.headers)], [204, {}]);
  assertEquals(deleted.headers.get("vary")?.includes("Origin"), true);
});

Deno.test("an error can be read by the page that caused it", async () => {
  const reply = await (await openWorld()).as("anonymous")("GET", "/bkt/none", {
    headers: { origin: ORIGIN },
  });
  assertEquals([reply.status, reply.headers.get("access-control-allow-origin")], [403, "*"]);
});

Deno.test("without an Origin nothing is said", async () => {
  const reply = await (await openWorld(RULES)).as("anonymous")("GET", "/bkt/key");
  assertEquals([reply.status, corsOf(reply.headers), reply.headers.get("vary")], [200, {}, null]);
});

import { assertEquals } from "@std/assert";
import { md5 } from "../support/bytes.ts";
import { BUCKET, openBucketServer } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const ETAG = `"${md5(new TextEncoder().encode("body"))}"`;
const WRITTEN = "Fri, 02 Jan 2026 03:04:05 GMT";

Deno.test("a key is gone afterwards, whether it was there or not", async () => {
  const { send } = await openBucketServer();
  await send("PUT", PATH, { body: "body" });
  for (const target of [PATH, PATH, `${PATH}?versionId=null`, `/${BUCKET}/never/there`]) {
    const reply = await send("DELETE", target);
    assertEquals([reply.status, reply.text], [204, ""], target);
  }
  assertEquals((await send("GET", PATH)).code, "NoSuchKey");
});

Deno.test("conditions of a delete", async () => {
  const table: readonly (readonly [Record<string, string>, number, string | undefined])[] = [
    [{ "if-match": ETAG }, 204, undefined],
    [{ "if-match": "*" }, 204, undefined],
    [{ "if-match": '"x"' }, 412, "PreconditionFailed"],
    [{ "x-amz-if-match-size": "4" }, 204, undefined],
    [{ "x-amz-if-match-size": "5" }, 412, "PreconditionFailed"],
    [{ "x-amz-if-match-size": "x" }, 400, "InvalidArgument"],
    [{ "x-amz-if-match-last-modified-time": WRITTEN }, 204, undefined],
    [{ "x-amz-if-match-last-modified-time": "then" }, 400, "InvalidArgument"],
    [{ "if-match": ETAG, "x-amz-if-match-size": "5" }, 412, "PreconditionFailed"],
    [{ "if-none-match": "*" }, 501, "NotImplemented"],
    [{ "if-unmodified-since": WRITTEN }, 501, "NotImplemented"],
  ];
  const { send } = await openBucketServer();
  for (const [headers, status, code] of table) {
    await send("PUT", PATH, { body: "body" });
    const reply = await send("DELETE", PATH, { headers });
    assertEquals([reply.status, reply.code], [status, code], JSON.stringify(headers));
    assertEquals((await send("HEAD", PATH)).status, status === 204 ? 404 : 200);
  }
  const absent = await send("DELETE", `/${BUCKET}/absent`, { headers: { "if-match": "*" } });
  assertEquals(absent.code, "NoSuchKey");
});

Deno.test("what isn't a plain delete deletes nothing", async () => {
  const { send, as } = await openBucketServer();
  await send("PUT", PATH, { body: "body" });
  const table = [
    [`${PATH}?versionId=abc`, 404],
    [`${PATH}?versionId=`, 400],
    [`${PATH}?acl`, 405],
    [`${PATH}?unknown`, 501],
    ["/missing/key", 404],
  ] as const;
  for (const [target, status] of table) {
    assertEquals((await send("DELETE", target)).status, status, target);
  }
  assertEquals((await as("reader")("DELETE", PATH)).status, 403);
  assertEquals((await as("anonymous")("DELETE", PATH)).status, 403);
  assertEquals((await send("HEAD", PATH)).status, 200);
});

import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { checksumOf } from "../../src/checksum.ts";
import { LIMITS } from "../../src/limits.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { KEY_PAIRS, openTestServer, textOf } from "../support/s3_client.ts";
import { BUCKET, openBucketServer } from "../support/uploads.ts";

const BOUNDARY = "----WebKitFormBoundaryzs3";
const DATE = "20260102";
const CREDENTIAL = `${KEY_PAIRS.writer.accessKeyId}/${DATE}/us-east-1/s3/aws4_request`;
const ETAG = (body: Uint8Array) => `"${md5(body)}"`;
const body = patternBytes(1000);

type Fields = Readonly<Record<string, string>>;
type Condition = Fields | readonly (string | number)[];

interface Upload {
  readonly fields?: Fields;
  readonly conditions?: readonly Condition[];
  readonly file?: Uint8Array<ArrayBuffer>;
  readonly filename?: string;
  /** Replaces all that is signed. */
  readonly signed?: Fields;
  readonly expiration?: string;
}

/** Every field as an exact condition, so that only what a test adds is up for judgement. */
function signedFields({ fields = {}, conditions, expiration }: Upload): Fields {
  const own = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": CREDENTIAL,
    "x-amz-date": `${DATE}T030405Z`,
  };
  const exact = Object.entries({ ...fields, ...own })
    .map(([name, value]) => ["starts-with", `$${name}`, value.replace(/\$\{filename\}.*$/, "")]);
  const document = JSON.stringify({
    expiration: expiration ?? "2026-01-02T04:00:00.000Z",
    conditions: [{ bucket: BUCKET }, ...(conditions ?? []), ...exact],
  });
  const policy = new TextEncoder().encode(document).toBase64();
  const key = [DATE, "us-east-1", "s3", "aws4_request"].reduce<string | Uint8Array>(
    (secret, part) => new Uint8Array(createHmac("sha256", secret).update(part).digest()),
    `AWS4${KEY_PAIRS.writer.secretKey}`,
  );
  const signature = createHmac("sha256", key).update(policy).digest("hex");
  return { ...own, policy, "x-amz-signature": signature };
}

async function formOf(upload: Upload): Promise<Uint8Array<ArrayBuffer>> {
  const { fields = {}, file = body, filename = "dir/photo.png" } = upload;
  const parts = Object.entries({ ...fields, ...(upload.signed ?? signedFields(upload)) })
    .map(([name, value]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    );
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; ` +
    `filename="${filename}"\r\nContent-Type: image/png\r\n\r\n`;
  const blob = new Blob([...parts, head, file, `\r\n--${BOUNDARY}--\r\n`]);
  return new Uint8Array(await blob.arrayBuffer());
}

async function openForms() {
  const server = await openBucketServer();
  const headers = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
  const postBytes = (bytes: Uint8Array<ArrayBuffer>) =>
    server.as("anonymous")("POST", `/${BUCKET}`, { headers, body: bytes });
  const post = async (upload: Upload) => await postBytes(await formOf(upload));
  const keys = async () => {
    const query = { prefix: "", delimiter: "", after: { kind: "start" } as const, limit: 1000 };
    return (await server.store.list(BUCKET, query)).entries.length;
  };
  return { ...server, post, postBytes, keys };
}

Deno.test("a form's file becomes an object with what its fields say", async () => {
  const { post, send } = await openForms();
  const reply = await post({
    fields: {
      key: "uploads/${filename}",
      acl: "public-read",
      "Content-Type": "image/png",
      "Cache-Control": "no-store",
      "x-amz-meta-one": "Größe",
      tagging: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    },
  });
  assertEquals([reply.status, reply.text], [204, ""]);
  assertEquals(reply.headers.get("etag"), ETAG(body));
  assertEquals(reply.headers.get("location"), "http://localhost:9000/bucket/uploads/photo.png");
  const got = await send("GET", `/${BUCKET}/uploads/photo.png`);
  assertEquals(got.bytes, body);
  assertEquals(got.headers.get("content-type"), "image/png");
  assertEquals(got.headers.get("cache-control"), "no-store");
  assertEquals(got.headers.get("x-amz-meta-one"), "Gr\xc3\xb6\xc3\x9fe");
  assertEquals(got.headers.get("x-amz-tagging-count"), "1");
});

Deno.test("the answer to a success is as the form wants it", async () => {
  const { post } = await openForms();
  const table = [["200", 200], ["201", 201], ["204", 204], ["500", 204], ["", 204]] as const;
  for (const [success_action_status, status] of table) {
    const reply = await post({ fields: { key: "a b", success_action_status } });
    assertEquals(reply.status, status);
    if (status !== 201) continue;
    assertEquals(textOf(reply.text, "Location"), "http://localhost:9000/bucket/a%20b");
    assertEquals([textOf(reply.text, "Bucket"), textOf(reply.text, "Key")], [BUCKET, "a b"]);
    assertEquals(textOf(reply.text, "ETag"), ETAG(body));
  }
});

Deno.test("a redirect tells where to, and never to what isn't the web", async () => {
  const { post } = await openForms();
  const table: readonly (readonly [string, string | null])[] = [
    ["https://example.com/done", "https://example.com/done?"],
    ["http://example.com/done?x=1", "http://example.com/done?x=1&"],
    ["javascript:alert(1)", null],
    ["/relative", null],
    ["http://", null],
  ];
  for (const [url, beginning] of table) {
    const reply = await post({ fields: { key: "k", success_action_redirect: url } });
    assertEquals(reply.status, beginning === null ? 204 : 303, url);
    if (beginning === null) continue;
    const query = `bucket=bucket&key=k&etag=${encodeURIComponent(ETAG(body))}`;
    assertEquals(reply.headers.get("location"), beginning + query);
  }
});

Deno.test("the size may be bounded, and is while the file comes", async () => {
  const { post, keys } = await openForms();
  const bounded = (min: number, max: number) =>
    post({ fields: { key: "k" }, conditions: [["content-length-range", min, max]] });
  assertEquals((await bounded(0, body.length - 1)).code, "EntityTooLarge");
  assertEquals((await bounded(body.length + 1, 5000)).code, "EntityTooSmall");
  assertEquals(await keys(), 0);
  assertEquals((await bounded(body.length, body.length)).status, 204);
});

Deno.test("checksums in the form are of the file", async () => {
  const { post, keys, send } = await openForms();
  const name = "x-amz-checksum-sha256";
  const wrong = await post({
    fields: { key: "k", [name]: checksumOf("SHA256", new Uint8Array(1)) },
  });
  assertEquals([wrong.status, wrong.code], [400, "BadDigest"]);
  const badMd5 = await post({ fields: { key: "k", "Content-MD5": "rL0Y20zC+Fzt72VPzMSk2A==" } });
  assertEquals(badMd5.code, "BadDigest");
  assertEquals(await keys(), 0);
  const value = checksumOf("SHA256", body);
  assertEquals((await post({ fields: { key: "k", [name]: value } })).headers.get(name), value);
  const head = await send("HEAD", `/${BUCKET}/k`, {
    headers: { "x-amz-checksum-mode": "ENABLED" },
  });
  assertEquals(head.headers.get(name), value);
});

Deno.test("a form that its policy doesn't allow stores nothing", async () => {
  const { post, keys } = await openForms();
  const signed = signedFields({ fields: { key: "allowed/" } });
  const table: readonly (readonly [Upload, string])[] = [
    [{ fields: { key: "elsewhere" }, signed }, "AccessDenied"],
    [{ fields: { key: "allowed/k", acl: "public-read" }, signed }, "AccessDenied"],
    [{ fields: { key: "k" }, expiration: "2026-01-02T03:04:04.000Z" }, "AccessDenied"],
    [
      { fields: { key: "k" }, signed: { ...signed, "x-amz-signature": "0".repeat(64) } },
      "SignatureDoesNotMatch",
    ],
    [{ fields: { key: "k" }, signed: {} }, "AccessDenied"],
  ];
  for (const [upload, code] of table) {
    const reply = await post(upload);
    assertEquals([reply.status, reply.code], [403, code], JSON.stringify(upload.fields));
  }
  assertEquals((await post({ fields: { key: "allowed/k" }, signed })).status, 204);
  assertEquals(await keys(), 1);
});

Deno.test("a form signed for another region is refused where one is configured", async () => {
  const type = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
  const form = await formOf({ fields: { key: "k" } });
  for (const [signedRegion, status] of [["us-east-1", 204], ["eu-west-1", 400]] as const) {
    const { as, store } = openTestServer({ signedRegion });
    await store.createBucket(BUCKET, { owner: undefined, acl: "private" });
    const reply = await as("anonymous")("POST", `/${BUCKET}`, { headers: type, body: form });
    assertEquals(reply.status, status, signedRegion);
  }
});

Deno.test("fields that make no sense", async () => {
  const { post, keys } = await openForms();
  const table: readonly (readonly [Fields, string])[] = [
    [{}, "InvalidArgument"],
    [{ key: "" }, "InvalidArgument"],
    [{ key: "../up" }, "InvalidArgument"],
    [{ key: "k".repeat(1025) }, "KeyTooLongError"],
    [{ key: "k", acl: "nonsense" }, "InvalidArgument"],
    [{ key: "k", tagging: "a=1" }, "MalformedXML"],
    [{ key: "k", "x-amz-meta-a": "v".repeat(2048) }, "MetadataTooLarge"],
    [{ key: "k", "x-amz-meta-a": "a\nb" }, "InvalidArgument"],
    [{ key: "k", "x-amz-server-side-encryption": "AES256" }, "NotImplemented"],
    [{ key: "k", "x-amz-checksum-sha256": "nonsense" }, "InvalidRequest"],
    [{ key: "k", "Content-MD5": "nonsense" }, "InvalidDigest"],
  ];
  for (const [fields, code] of table) {
    assertEquals((await post({ fields })).code, code, JSON.stringify(fields).slice(0, 80));
  }
  assertEquals(await keys(), 0);
});

Deno.test("a form that breaks off stores nothing", async () => {
  const { postBytes, keys } = await openForms();
  const bytes = await formOf({ fields: { key: "k" } });
  for (const end of [-1, -3, -8, -500]) {
    const reply = await postBytes(bytes.slice(0, end === -1 ? -bytes.length : end));
    assertEquals([reply.status, reply.code], [400, "MalformedPOSTRequest"], String(end));
  }
  assertEquals(await keys(), 0);
});

Deno.test("a body that isn't a form, a bucket that isn't there", async () => {
  const { as, send } = await openForms();
  const headers = { "content-type": "text/plain" };
  const plain = await as("anonymous")("POST", `/${BUCKET}`, { headers, body: "hello" });
  assertEquals(plain.code, "MalformedPOSTRequest");
  const none = await as("anonymous")("POST", `/${BUCKET}`);
  assertEquals(none.code, "MissingContentLength");
  const form = await formOf({ fields: { key: "k" } });
  const type = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
  const lost = await send("POST", "/missing", { headers: type, body: form });
  assert(lost.status >= 400);
  const fields = { key: "k", long: "x".repeat(LIMITS.postFieldsBytesMax) };
  const long = await as("anonymous")("POST", `/${BUCKET}`, {
    headers: type,
    body: await formOf({ fields, signed: {} }),
  });
  assertEquals(long.code, "MaxPostPreDataLengthExceededError");
});

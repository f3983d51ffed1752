import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { S3Error } from "../../src/errors.ts";
import { fromHeaderText, toHeaderText } from "../../src/s3/header_text.ts";
import { readObjectMeta } from "../../src/s3/object_meta.ts";

type Pairs = Readonly<Record<string, string>>;
const read = (pairs: Pairs, encoding?: string) =>
  readObjectMeta(new Map(Object.entries(pairs)), encoding);

Deno.test("the headers kept, and no others", () => {
  const meta = read({
    host: "h",
    authorization: "secret",
    "content-length": "3",
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="a.txt"',
    "content-language": "de",
    "content-encoding": "gzip,aws-chunked",
    "cache-control": "max-age=60",
    expires: "whenever",
    "x-amz-website-redirect-location": "/other",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-request-payer": "requester",
    "x-amz-acl": "public-read",
    "x-amz-tagging": "a=1",
    "x-amz-meta-one": "1",
    "x-amz-meta-": "nameless",
    "x-amz-meta-__proto__": "odd",
  }, "gzip");
  assertEquals(meta.headers, {
    "content-type": "text/plain; charset=utf-8",
    "content-encoding": "gzip",
    "content-disposition": 'attachment; filename="a.txt"',
    "content-language": "de",
    "cache-control": "max-age=60",
    expires: "whenever",
    "x-amz-website-redirect-location": "/other",
  });
  assertEquals(Object.entries(meta.user), [["one", "1"], ["", "nameless"], ["__proto__", "odd"]]);
  assertEquals([meta.tags, meta.acl], [{ a: "1" }, "public-read"]);
});

Deno.test("what an object has when nothing is said", () => {
  const expected = {
    headers: { "content-type": "binary/octet-stream" },
    user: {},
    tags: {},
    acl: "private" as const,
  };
  assertEquals(read({}), expected);
  assertEquals(read({ "content-type": "", "cache-control": "" }), expected);
});

Deno.test("user metadata is counted in bytes of names and values", () => {
  const fits = { "x-amz-meta-ab": "v".repeat(1023), "x-amz-meta-c": "v".repeat(1022) };
  assertEquals(Object.keys(read(fits).user), ["ab", "c"]);
  const tooLong: readonly Pairs[] = [
    { ...fits, "x-amz-meta-d": "" },
    { "x-amz-meta-a": "v".repeat(2048) },
    { "x-amz-meta-a": toHeaderText("é".repeat(1024)) },
  ];
  for (const pairs of tooLong) {
    assertEquals(assertThrows(() => read(pairs), S3Error).code, "MetadataTooLarge");
  }
});

Deno.test("what zs3 can't promise is refused, never ignored", () => {
  const table: readonly (readonly [string, string, string])[] = [
    ["x-amz-server-side-encryption", "AES256", "NotImplemented"],
    ["x-amz-server-side-encryption-customer-key", "k", "NotImplemented"],
    ["x-amz-copy-source-server-side-encryption-customer-key", "k", "NotImplemented"],
    ["x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented"],
    ["x-amz-grant-read", "id=x", "NotImplemented"],
    ["x-amz-write-offset-bytes", "0", "NotImplemented"],
    ["x-amz-acl", "public-read-write", "NotImplemented"],
    ["x-amz-acl", "authenticated-read", "NotImplemented"],
    ["x-amz-acl", "nonsense", "InvalidArgument"],
    ["x-amz-storage-class", "nonsense", "InvalidStorageClass"],
    ["x-amz-website-redirect-location", "javascript:x", "InvalidArgument"],
    ["x-amz-meta-a", "a\rb", "InvalidArgument"],
    ["content-type", "a\nb", "InvalidArgument"],
    ["x-amz-tagging", "a=1&a=2", "InvalidArgument"],
  ];
  for (const [name, value, code] of table) {
    assertEquals(assertThrows(() => read({ [name]: value }), S3Error).code, code, name);
  }
});

Deno.test("the ACLs that mean the owner's own rights are private", () => {
  for (const acl of ["private", "bucket-owner-full-control", "bucket-owner-read"]) {
    assertEquals(read({ "x-amz-acl": acl }).acl, "private");
  }
});

Deno.test("text survives the way through a header", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const header = toHeaderText(text);
    assertEquals(fromHeaderText(header), text);
    assertEquals(/[^\0-\xff]/.test(header), false);
  }));
  assertEquals(fromHeaderText("Mini\xf6"), "Mini\xf6");
});

import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { parseCopySource } from "../../src/s3/copy_source.ts";
import { toHeaderText } from "../../src/s3/header_text.ts";

Deno.test("a copy source in every way clients write it", () => {
  const table: readonly (readonly [string, string])[] = [
    ["bucket/key", "key"],
    ["/bucket/key", "key"],
    ["bucket%2Fdir%2Fkey", "dir/key"],
    ["bucket/dir/key", "dir/key"],
    ["bucket//key", "/key"],
    ["bucket/dir/", "dir/"],
    ["bucket/a%20b", "a b"],
    ["bucket/a+b", "a b"],
    ["bucket/a%2Bb", "a+b"],
    ["bucket/a%3FversionId%3Dx", "a?versionId=x"],
    ["bucket/a?versionId=null", "a"],
    ["bucket/a%25b", "a%b"],
    ["bucket/%C3%A9", "é"],
    [toHeaderText("bucket/é"), "é"],
  ];
  for (const [header, key] of table) {
    assertEquals(parseCopySource(header), { bucket: "bucket", key }, header);
  }
});

Deno.test("a copy source that names no object", () => {
  const table: readonly (readonly [string, string])[] = [
    ["", "InvalidArgument"],
    ["/", "InvalidArgument"],
    ["bucket", "InvalidArgument"],
    ["bucket/", "InvalidArgument"],
    ["/bucket", "InvalidArgument"],
    ["//key", "InvalidArgument"],
    ["BUCKET/key", "InvalidArgument"],
    ["arn:aws:s3:us-east-1:1:accesspoint/x/object/key", "InvalidArgument"],
    ["bucket/%zz", "InvalidArgument"],
    ["bucket/%ff", "InvalidArgument"],
    ["bucket/a/../b", "InvalidArgument"],
    ["bucket/a?versionId=", "InvalidArgument"],
    ["bucket/a?versionId=3sL4kqtJlcpXroDTDmJ", "NoSuchVersion"],
    [`bucket/${"k".repeat(1025)}`, "KeyTooLongError"],
  ];
  for (const [header, code] of table) {
    assertEquals(assertThrows(() => parseCopySource(header), S3Error).code, code, header);
  }
});

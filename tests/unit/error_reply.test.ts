import { assertEquals, assertStringIncludes } from "@std/assert";
import { S3Error, type S3ErrorOptions } from "../../src/errors.ts";
import { silentLog } from "../../src/log.ts";
import { errorMessage, errorReply, toS3Error } from "../../src/s3/error_reply.ts";

const REQUEST = { id: "0123456789ABCDEF", method: "GET", resource: "/bkt/a%26b<" };

Deno.test("error: an S3Error becomes its status and an XML document", async () => {
  const error = new S3Error("NoSuchBucket", { details: { BucketName: "a&b" } });
  const response = errorReply(error, REQUEST).toResponse();
  assertEquals(response.status, 404);
  assertEquals(response.headers.get("content-type"), "application/xml");
  assertEquals(
    await response.text(),
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code>' +
      "<Message>The specified bucket does not exist.</Message><BucketName>a&amp;b</BucketName>" +
      "<Resource>/bkt/a%26b&lt;</Resource><RequestId>0123456789ABCDEF</RequestId></Error>",
  );
});

const STATUS: readonly [code: S3Error["code"], status: number][] = [
  ["AccessDenied", 403],
  ["BucketAlreadyExists", 409],
  ["BucketNotEmpty", 409],
  ["EntityTooLarge", 400],
  ["InternalError", 500],
  ["InvalidRange", 416],
  ["MethodNotAllowed", 405],
  ["MissingContentLength", 411],
  ["NoSuchKey", 404],
  ["NoSuchUpload", 404],
  ["NotImplemented", 501],
  ["NotModified", 304],
  ["PreconditionFailed", 412],
  ["RequestHeaderSectionTooLarge", 431],
  ["RequestTimeTooSkewed", 403],
  ["ServiceUnavailable", 503],
  ["SignatureDoesNotMatch", 403],
  ["SlowDown", 503],
  ["StorageFull", 507],
];

for (const [code, status] of STATUS) {
  Deno.test(`error: ${code} is ${status}, with a message`, () => {
    assertEquals(errorReply(new S3Error(code), REQUEST).status, status);
    assertEquals(errorMessage(new S3Error(code)) !== "", true);
    assertEquals(errorMessage(new S3Error(code, { message: "own" })), "own");
  });
}

const BODILESS: readonly [why: string, method: string, code: S3Error["code"]][] = [
  ["HEAD", "HEAD", "NoSuchKey"],
  ["304", "GET", "NotModified"],
];

for (const [why, method, code] of BODILESS) {
  Deno.test(`error: ${why} has headers and no body`, () => {
    const options: S3ErrorOptions = { headers: { etag: '"e"' } };
    const response = errorReply(new S3Error(code, options), { ...REQUEST, method }).toResponse();
    assertEquals(response.body, null);
    assertEquals(response.headers.get("etag"), '"e"');
  });
}

for (const fault of [new TypeError("secret path /data"), "a string", undefined, null, { a: 1 }]) {
  Deno.test(`error: the fault ${String(fault)} is logged and not told`, async () => {
    const logged: unknown[] = [];
    const log = {
      ...silentLog,
      fault: (id: string, cause: unknown) => void logged.push(id, cause),
    };
    const error = toS3Error(fault, REQUEST.id, log);
    assertEquals(logged, [REQUEST.id, fault]);
    const text = await errorReply(error, REQUEST).toResponse().text();
    assertStringIncludes(text, "<Code>InternalError</Code>");
    assertEquals(text.includes("secret"), false);
  });
}

Deno.test("error: an S3Error is no fault", () => {
  const error = new S3Error("NoSuchKey");
  const log = {
    ...silentLog,
    fault: () => {
      throw new Error("logged");
    },
  };
  assertEquals(toS3Error(error, REQUEST.id, log), error);
});

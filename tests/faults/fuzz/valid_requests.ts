/** Correct requests for the fuzzer to spoil, and the files that they may leave. */

import { createHash, createHmac } from "node:crypto";
import { amzDate } from "../../suites/http_store/signer.ts";
import { CREDENTIALS, type Draft, type Header } from "../../support/raw_request.ts";

/** Only read. */
export const KEPT = { bucket: "kept", key: "object", contents: "what must stay as it is" };

/** Written by correct requests, and by spoilt ones that still mean the same. */
export const SCRATCH = { bucket: "scratch", key: "put", contents: "hello, fuzzer" };

const CONTENTS_SHA256 = createHash("sha256").update(SCRATCH.contents).digest("base64");

const object = `/${KEPT.bucket}/${KEPT.key}`;
const scratch = `/${SCRATCH.bucket}/${SCRATCH.key}`;

/** XML of every operation that reads some, with the place it goes to. */
export const XML_REQUESTS: readonly (Draft & { readonly body: string })[] = [
  {
    method: "POST",
    rawPath: scratch,
    query: [["uploadId", "none"]],
    body: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>" +
      "<ETag>d41d8cd98f00b204e9800998ecf8427e</ETag></Part></CompleteMultipartUpload>",
  },
  {
    method: "PUT",
    rawPath: scratch,
    query: [["tagging", ""]],
    body: "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
  },
  {
    method: "PUT",
    rawPath: "/scratch",
    query: [["cors", ""]],
    body: "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>" +
      "<AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
  },
  {
    method: "PUT",
    rawPath: "/scratch",
    body: "<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint>" +
      "</CreateBucketConfiguration>",
  },
  {
    method: "POST",
    rawPath: "/scratch",
    query: [["delete", ""]],
    body: "<Delete><Object><Key>put</Key></Object></Delete>",
  },
];

/** A body in aws-chunked framing with a trailer. */
export const CHUNKED_REQUEST: Draft & { readonly body: string } = {
  method: "PUT",
  rawPath: scratch,
  headers: [
    ["content-encoding", "aws-chunked"],
    ["x-amz-decoded-content-length", String(SCRATCH.contents.length)],
    ["x-amz-trailer", "x-amz-checksum-sha256"],
  ],
  payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  body: `${SCRATCH.contents.length.toString(16)}\r\n${SCRATCH.contents}\r\n0\r\n` +
    `x-amz-checksum-sha256:${CONTENTS_SHA256}\r\n\r\n`,
};

export function validRequests(): readonly Draft[] {
  return [
    { method: "GET", rawPath: object },
    { method: "GET", rawPath: object, headers: [["range", "bytes=2-5"]] },
    { method: "HEAD", rawPath: object },
    { method: "GET", rawPath: "/kept", query: [["list-type", "2"], ["prefix", "ob"]] },
    { method: "GET", rawPath: "/" },
    { method: "PUT", rawPath: scratch, body: SCRATCH.contents },
    {
      method: "PUT",
      rawPath: scratch,
      body: SCRATCH.contents,
      payloadHash: "UNSIGNED-PAYLOAD",
      // The signature says nothing of the bytes, so this must.
      headers: [["x-amz-checksum-sha256", CONTENTS_SHA256], ["content-type", "text/plain"]],
    },
    CHUNKED_REQUEST,
    ...XML_REQUESTS,
    { method: "DELETE", rawPath: scratch },
  ];
}

/** A POST upload form with a correct policy. */
export function formFields(now: Date): readonly Header[] {
  const time = amzDate(now);
  const scope = [time.slice(0, 8), CREDENTIALS.region, "s3", "aws4_request"];
  const credential = [CREDENTIALS.accessKey, ...scope].join("/");
  const fields: readonly Header[] = [
    ["key", SCRATCH.key],
    ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
    ["x-amz-credential", credential],
    ["x-amz-date", time],
  ];
  const policy = btoa(JSON.stringify({
    expiration: new Date(now.getTime() + 600_000).toISOString(),
    conditions: [
      { bucket: SCRATCH.bucket },
      ...fields.map(([name, value]) => ({ [name]: value })),
    ],
  }));
  const key = scope.reduce<string | Uint8Array>(hmac, `AWS4${CREDENTIALS.secretKey}`);
  const signature = hmac(key, policy).toHex();
  return [...fields, ["policy", policy], ["x-amz-signature", signature]];
}

export const FORM_BOUNDARY = "----fuzz-boundary";

/** The form as a browser sends it, with the file last. */
export function formBody(fields: readonly Header[]): string {
  const parts = [...fields, ["file", SCRATCH.contents] as const].map(([name, value]) => {
    const more = name === "file" ? '; filename="f"' : "";
    return `--${FORM_BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n` +
      `${value}\r\n`;
  });
  return `${parts.join("")}--${FORM_BOUNDARY}--\r\n`;
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}

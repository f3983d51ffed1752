import { assertEquals } from "@std/assert";
import { openIncomingRequest } from "../../src/incoming_request.ts";
import { applyHoistedHeaders } from "../../src/s3/hoisted_headers.ts";

/** The headers that the request means, but for its Host. */
function hoist(query: string, headers: Record<string, string> = {}): Record<string, string> {
  const request = new Request(`http://h/bkt/key?${query}`, { headers });
  const { host: _host, ...meant } = Object.fromEntries(
    applyHoistedHeaders(openIncomingRequest(request, "id")).headers,
  );
  return meant;
}

const SIGNED = "X-Amz-Algorithm=A&X-Amz-Credential=C&X-Amz-Date=D&X-Amz-Expires=1" +
  "&X-Amz-SignedHeaders=host&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Security-Token=T";

const HOISTED: readonly [
  query: string,
  sent: Record<string, string>,
  seen: Record<string, string>,
][] = [
  [`${SIGNED}&X-Amz-Signature=s`, {}, {}],
  [`${SIGNED}&X-Amz-Signature=s&x-amz-meta-a=b`, {}, { "x-amz-meta-a": "b" }],
  [`${SIGNED}&X-Amz-Signature=s&X-Amz-Meta-A=b`, {}, { "x-amz-meta-a": "b" }],
  [`X-Amz-Signature=s&x-amz-acl=public-read`, {}, { "x-amz-acl": "public-read" }],
  [`X-Amz-Signature=s&x-amz-copy-source=a%2Fb`, {}, { "x-amz-copy-source": "a/b" }],
  // The bytes of UTF-8 as latin1, which is how a header that was sent arrives.
  [`X-Amz-Signature=s&x-amz-meta-a=%C3%A9`, {}, { "x-amz-meta-a": "\xc3\xa9" }],
  [`X-Amz-Signature=s&x-amz-meta-a=b`, { "x-amz-meta-a": "c" }, { "x-amz-meta-a": "c" }],
  [`X-Amz-Signature=s&x-amz-meta-a=b&x-amz-meta-a=c`, {}, { "x-amz-meta-a": "b" }],
  [`X-Amz-Signature=s&x-amz-checksum-crc32=AAAAAA&x-amz-sdk-checksum-algorithm=CRC32`, {}, {}],
  [`X-Amz-Signature=s&x-amz-checksum-mode=ENABLED`, {}, { "x-amz-checksum-mode": "ENABLED" }],
  [`X-Amz-Signature=s&content-type=a`, {}, {}],
  [`AWSAccessKeyId=a&Signature=s&Expires=1&x-amz-acl=private`, {}, { "x-amz-acl": "private" }],
  // Not presigned: the query holds no headers.
  [`x-amz-acl=public-read`, {}, {}],
];

for (const [query, sent, seen] of HOISTED) {
  Deno.test(`hoisted: ${query.replace(SIGNED, "…")} with ${JSON.stringify(sent)}`, () => {
    assertEquals(hoist(query, sent), seen);
  });
}

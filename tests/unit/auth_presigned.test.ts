/** Signatures in queries: AWS's example, what may be beside them, and every way to be wrong. */

import { assertEquals } from "@std/assert";
import { authenticate } from "../../src/auth/sigv4.ts";
import {
  authorization,
  EXAMPLE_PAIR,
  EXAMPLE_TIME_MS,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  presignedQuery,
  presignedRequest,
  sha256Hex,
  thrownBy,
} from "./auth_support.ts";

const SIGNED = { kind: "signed", accessKeyId: EXAMPLE_PAIR.accessKeyId, role: "admin" } as const;

Deno.test("AWS's presigned example verifies", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  const signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const target = `/test.txt?${presignedQuery()}&X-Amz-Signature=${signature}`;
  const { caller, signing, contentSha256 } = authenticate(
    incomingRequest({ target }),
    exampleWorld(),
  );
  assertEquals(caller, SIGNED);
  assertEquals([signing?.form, signing?.signature], ["presigned", signature]);
  assertEquals(contentSha256, "UNSIGNED-PAYLOAD");
});

Deno.test("the payload's hash may be a signed header or in the query", () => {
  const hash = sha256Hex("body");
  const world = exampleWorld();
  const inHeader = presignedRequest(
    { "X-Amz-SignedHeaders": "host;x-amz-content-sha256" },
    { "x-amz-content-sha256": hash },
  );
  assertEquals(authenticate(inHeader, world).contentSha256, hash);
  const inQuery = presignedRequest({ "X-Amz-Content-Sha256": hash });
  assertEquals(authenticate(inQuery, world).contentSha256, hash);
  const unsigned = presignedRequest({}, { "x-amz-content-sha256": hash });
  assertEquals(authenticate(unsigned, world).contentSha256, "UNSIGNED-PAYLOAD");
});

Deno.test("it holds from its time on, less the skew, until it expires", () => {
  const request = presignedRequest({ "X-Amz-Expires": "60" });
  for (const atMs of [-15 * 60_000, 0, 60_000]) {
    const world = exampleWorld({ nowMs: EXAMPLE_TIME_MS + atMs });
    assertEquals(authenticate(request, world).caller, SIGNED);
  }
  const refused = [[-15 * 60_000 - 1, "Request is not valid yet"], [60_001, "Request has expired"]];
  for (const [atMs, message] of refused) {
    const world = exampleWorld({ nowMs: EXAMPLE_TIME_MS + Number(atMs) });
    const error = thrownBy(() => authenticate(request, world));
    assertEquals([error.code, error.message], ["AccessDenied", message]);
  }
});

type Changes = Record<string, string>;

const QUERY_ERROR = "AuthorizationQueryParametersError";

const REFUSED:
  readonly (readonly [why: string, code: string, query: Changes, headers?: Changes])[] = [
    ["an unsigned x-amz header", "AccessDenied", {}, { "x-amz-copy-source": "/b/secret" }],
    ["host unsigned", "AccessDenied", { "X-Amz-SignedHeaders": "range" }],
    ["a session token", "InvalidToken", { "X-Amz-Security-Token": "t" }],
    ["an unknown key", "InvalidAccessKeyId", {
      "X-Amz-Credential": "nobody/20130524/us-east-1/s3/aws4_request",
    }],
    ["Signature Version 4A", "NotImplemented", { "X-Amz-Algorithm": "AWS4-ECDSA-P256-SHA256" }],
    ["another algorithm", QUERY_ERROR, { "X-Amz-Algorithm": "AWS4-HMAC-MD5" }],
    ["no algorithm", QUERY_ERROR, { "X-Amz-Algorithm": "" }],
    ["no credential", QUERY_ERROR, { "X-Amz-Credential": "" }],
    ["no date", QUERY_ERROR, { "X-Amz-Date": "" }],
    ["no signed headers", QUERY_ERROR, { "X-Amz-SignedHeaders": "" }],
    ["no signature", QUERY_ERROR, { "X-Amz-Signature": "" }],
    ["no expiry", QUERY_ERROR, { "X-Amz-Expires": "" }],
    ["an expiry of 0", QUERY_ERROR, { "X-Amz-Expires": "0" }],
    ["a negative expiry", QUERY_ERROR, { "X-Amz-Expires": "-1" }],
    ["an expiry over a week", QUERY_ERROR, { "X-Amz-Expires": "604801" }],
    ["an expiry that is no number", QUERY_ERROR, { "X-Amz-Expires": "1e3" }],
    ["a date that is none", QUERY_ERROR, { "X-Amz-Date": "20131324T000000Z" }],
    ["a credential for another day", QUERY_ERROR, { "X-Amz-Date": "20130525T000000Z" }],
    ["a credential of another service", QUERY_ERROR, {
      "X-Amz-Credential": "k/20130524/us-east-1/ec2/aws4_request",
    }],
    ["a line feed in a name", QUERY_ERROR, { "X-Amz-SignedHeaders": "host\n\nhost" }],
  ];

for (const [why, code, query, headers] of REFUSED) {
  Deno.test(`refused as ${code}: ${why}`, () => {
    const request = presignedRequest(query, headers);
    assertEquals(thrownBy(() => authenticate(request, exampleWorld())).code, code);
  });
}

Deno.test("a parameter given twice is refused", () => {
  const { rawPath, rawQuery } = presignedRequest();
  for (const name of ["X-Amz-Signature=a", "X-Amz-Expires=1", "X-Amz-Date=x"]) {
    const request = incomingRequest({ target: `${rawPath}?${rawQuery}&${name}` });
    assertEquals(thrownBy(() => authenticate(request, exampleWorld())).code, QUERY_ERROR);
  }
});

Deno.test("parameters, method and path are signed", () => {
  const { rawPath, rawQuery } = presignedRequest();
  const changed = [
    { target: `${rawPath}?${rawQuery}&response-content-type=text/html` },
    { target: `${rawPath}x?${rawQuery}` },
    { target: `${rawPath}?${rawQuery}`, method: "HEAD" },
    { target: `${rawPath}?${rawQuery.replace("Expires=86400", "Expires=86401")}` },
  ];
  for (const options of changed) {
    const error = thrownBy(() => authenticate(incomingRequest(options), exampleWorld()));
    assertEquals(error.code, "SignatureDoesNotMatch");
  }
});

Deno.test("a path sent unencoded isn't the one whose bytes its low halves are", () => {
  const { rawPath, rawQuery } = presignedRequest();
  const request = incomingRequest({ target: `${rawPath.replace("k", "\u016b")}?${rawQuery}` });
  assertEquals(thrownBy(() => authenticate(request, exampleWorld())).code, "SignatureDoesNotMatch");
});

Deno.test("a preflight is nobody's: the URL that it asks for is signed for another method", () => {
  const { rawPath, rawQuery } = presignedRequest();
  const request = incomingRequest({ target: `${rawPath}?${rawQuery}`, method: "OPTIONS" });
  assertEquals(authenticate(request, exampleWorld()).caller, { kind: "anonymous" });
});

Deno.test("a header and a query together are refused", () => {
  const target = `/k?${presignedQuery()}&X-Amz-Signature=a`;
  const headers = { authorization: authorization("host", "a"), "x-amz-date": EXAMPLE_TIMESTAMP };
  const error = thrownBy(() => authenticate(incomingRequest({ target, headers }), exampleWorld()));
  assertEquals([error.code, error.details], ["InvalidArgument", { ArgumentName: "Authorization" }]);
});

Deno.test("a configured region is the only one", () => {
  const error = thrownBy(() =>
    authenticate(presignedRequest(), exampleWorld({ region: "eu-west-1" }))
  );
  assertEquals([error.code, error.details], [QUERY_ERROR, { Region: "eu-west-1" }]);
});

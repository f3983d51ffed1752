/** Presigned URLs of Signature Version 2: S3's examples, what is signed, and every way to be wrong. */

import { assertEquals, assertNotEquals } from "@std/assert";
import * as fc from "fast-check";
import { createKeyring } from "../../src/auth/keyring.ts";
import { authenticate, type Authentication, type AuthWorld } from "../../src/auth/sigv4.ts";
import { SIGNED_PARAMETERS } from "../../src/auth/presigned_v2.ts";
import { BUCKET_OPERATIONS, OBJECT_OPERATIONS } from "../../src/s3/sub_resources.ts";
import { S3Error } from "../../src/errors.ts";
import { presignV2, signatureV2, type SignedText } from "../support/presign_v2.ts";
import {
  authorization,
  EXAMPLE_PAIR,
  EXAMPLE_TIME_MS,
  exampleWorld,
  incomingRequest,
  type RequestOptions,
  thrownBy,
} from "./auth_support.ts";

const NOW_SECONDS = EXAMPLE_TIME_MS / 1000;
const SIGNED = { kind: "signed", accessKeyId: EXAMPLE_PAIR.accessKeyId, role: "admin" } as const;
const OK: SignedText = { ...EXAMPLE_PAIR, expires: NOW_SECONDS + 60, resource: "/bkt/k" };
const URL = presignV2("/bkt/k", OK);

function identify(
  options: RequestOptions,
  world: AuthWorld = exampleWorld(),
  hostBucket?: string,
): Authentication {
  return authenticate(incomingRequest(options), world, hostBucket);
}

/** Of S3's developer guide, from 2006 to now. Computed again with Python's hmac. */
const EXAMPLES: readonly [
  target: string,
  hostBucket: string | undefined,
  pair: readonly [accessKeyId: string, secretKey: string],
  query: string,
][] = [
  [
    "/photos/puppy.jpg",
    "johnsmith",
    [EXAMPLE_PAIR.accessKeyId, EXAMPLE_PAIR.secretKey],
    "Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620",
  ],
  [
    "/johnsmith/photos/puppy.jpg",
    undefined,
    [EXAMPLE_PAIR.accessKeyId, EXAMPLE_PAIR.secretKey],
    "Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620",
  ],
  [
    "/awsexamplebucket1/photos/puppy.jpg",
    undefined,
    [EXAMPLE_PAIR.accessKeyId, EXAMPLE_PAIR.secretKey],
    "Signature=1No4mq5ETf02z8aet9voy6gui6E%3D&Expires=1175139620",
  ],
  [
    "/quotes/nelson",
    undefined,
    ["44CF9590006BF252F707", "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV"],
    "Expires=1141889120&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
  ],
];

for (const [path, hostBucket, [accessKeyId, secretKey], query] of EXAMPLES) {
  Deno.test(`S3's example ${path} verifies`, () => {
    const world: AuthWorld = {
      keyring: createKeyring([{ accessKeyId, secretKey, role: "reader" }]),
      clock: { now: () => Date.UTC(2006, 0, 1) },
      region: "eu-west-1",
    };
    const target = `${path}?AWSAccessKeyId=${accessKeyId}&${query}`;
    assertEquals(identify({ target }, world, hostBucket), {
      caller: { kind: "signed", accessKeyId, role: "reader" },
      signing: undefined,
      contentSha256: "UNSIGNED-PAYLOAD",
    });
    assertEquals(
      thrownBy(() => identify({ target }, world, "another")).code,
      "SignatureDoesNotMatch",
    );
  });
}

/** As botocore 1.43.11 makes them; the text that it signs is written out. */
const ACCEPTED: readonly [
  why: string,
  target: string,
  text: Partial<SignedText>,
  sent?: Omit<RequestOptions, "target">,
][] = [
  ["a PUT", "/bkt/k", { method: "PUT" }, { method: "PUT" }],
  ["an encoded key", "/bkt/a%20%C3%BC%28~", { resource: "/bkt/a%20%C3%BC%28~" }],
  ["a bucket, as boto3 signs it", "/bkt?prefix=x", { resource: "/bkt/" }],
  ["a bucket, as it is sent", "/bkt?list-type=2", { resource: "/bkt" }],
  ["the service", "/", { resource: "/" }],
  ["a sub-resource", "/bkt/k?acl", { resource: "/bkt/k?acl" }],
  ["an empty sub-resource", "/bkt/k?uploads=", { resource: "/bkt/k?uploads" }],
  [
    "parameters, sorted and decoded",
    "/bkt/k?versionId=null&response-content-disposition=a%3B%20%22Q%26A%20%2B%C3%BC%22&partNumber=1",
    {
      resource: '/bkt/k?partNumber=1&response-content-disposition=a; "Q&A +ü"&versionId=null',
    },
  ],
  ["what isn't signed", "/bkt/k?x-id=GetObject&v=2", {}],
  [
    "signed headers",
    "/bkt/k",
    { method: "PUT", md5: "eA==", type: "text/x", amz: "x-amz-acl:private\nx-amz-meta-a:b\n" },
    {
      method: "PUT",
      headers: {
        "content-md5": "eA==",
        "content-type": "text/x",
        "x-amz-meta-a": "b",
        "x-amz-acl": "private",
      },
    },
  ],
  [
    "headers moved into the query",
    "/bkt/k?x-amz-meta-a-b=2&x-amz-meta-a=%C3%BC&content-type=text%2Fx&content-md5=z",
    { type: "text/x", amz: "x-amz-meta-a:ü\nx-amz-meta-a-b:2\n" },
    { headers: { "content-type": "text/x", "x-amz-meta-a": "\xc3\xbc" } },
  ],
];

for (const [why, target, text, sent] of ACCEPTED) {
  Deno.test(`accepted: ${why}`, () => {
    const signed = presignV2(target, { ...OK, ...text });
    assertEquals(identify({ target: signed, ...sent }).caller, SIGNED);
  });
}

Deno.test("it holds until it expires, however long that is", () => {
  const target = presignV2("/bkt/k", { ...OK, expires: NOW_SECONDS + 10 * 365 * 86_400 });
  assertEquals(identify({ target }).caller, SIGNED);
  const at = (ms: number) => exampleWorld({ nowMs: EXAMPLE_TIME_MS + ms });
  assertEquals(identify({ target: URL }, at(60_000)).caller, SIGNED);
  const error = thrownBy(() => identify({ target: URL }, at(60_001)));
  assertEquals([error.code, error.message, error.details], ["AccessDenied", "Request has expired", {
    Expires: "2013-05-24T00:01:00.000Z",
    ServerTime: "2013-05-24T00:01:00.001Z",
  }]);
});

const MISSING =
  "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
const NO_TIME = "Invalid date (should be seconds since epoch): ";

const WRONG_PARAMETERS: readonly [target: string, message: string][] = [
  ["/bkt/k?Signature=a&Expires=1", MISSING],
  ["/bkt/k?AWSAccessKeyId=a&Expires=1", MISSING],
  ["/bkt/k?AWSAccessKeyId=a&Signature=b", MISSING],
  [URL.replace(/Signature=[^&]*/, "Signature="), MISSING],
  [`${URL}&AWSAccessKeyId=a`, MISSING],
  [`${URL}&Signature=a`, MISSING],
  [`${URL}&Expires=9999999999`, MISSING],
  ...["x", "1e9", "-1", "1.5", "0x12", " 1", "1234567890123"].map((
    expires,
  ): [string, string] => [presignV2("/bkt/k", { ...OK, expires }), NO_TIME + expires]),
];

for (const [target, message] of WRONG_PARAMETERS) {
  Deno.test(`refused: ${target} as "${message}"`, () => {
    const error = thrownBy(() => identify({ target }));
    assertEquals([error.code, error.message], ["AccessDenied", message]);
  });
}

const REFUSED: readonly [
  why: string,
  code: string,
  target: string,
  sent?: Omit<RequestOptions, "target">,
][] = [
  ["an unknown key", "InvalidAccessKeyId", presignV2("/bkt/k", { ...OK, accessKeyId: "nobody" })],
  ["another secret", "SignatureDoesNotMatch", presignV2("/bkt/k", { ...OK, secretKey: "x" })],
  ["a session token", "InvalidToken", `${URL}&x-amz-security-token=t`],
  ["a session token's header", "InvalidToken", URL, { headers: { "x-amz-security-token": "t" } }],
  ["HEAD with a GET's", "SignatureDoesNotMatch", URL, { method: "HEAD" }],
  ["PUT with a GET's", "SignatureDoesNotMatch", URL, { method: "PUT" }],
  ["another key", "SignatureDoesNotMatch", URL.replace("/bkt/k", "/bkt/kk")],
  ["the key encoded otherwise", "SignatureDoesNotMatch", URL.replace("/bkt/k", "/bkt/%6b")],
  [
    "a key whose bytes' low halves are the signed ones",
    "SignatureDoesNotMatch",
    URL.replace("/bkt/k", "/bkt/\u016b"),
  ],
  [
    "a key for its bucket",
    "SignatureDoesNotMatch",
    presignV2("/bkt/k", { ...OK, resource: "/bkt/" }),
  ],
  ["a Content-Type", "SignatureDoesNotMatch", URL, { headers: { "content-type": "text/html" } }],
  ["a Content-MD5", "SignatureDoesNotMatch", URL, { headers: { "content-md5": "eA==" } }],
  ["a header", "SignatureDoesNotMatch", URL, { headers: { "x-amz-copy-source": "b/secret" } }],
  ["a hash", "SignatureDoesNotMatch", URL, {
    headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  }],
  ["a header in the query", "SignatureDoesNotMatch", `${URL}&x-amz-acl=public-read`],
  ["a header in the query, otherwise written", "SignatureDoesNotMatch", `${URL}&X-AMZ-Acl=a`],
  [
    "a header that differs from the query's",
    "InvalidArgument",
    presignV2("/bkt/k?x-amz-acl=a", { ...OK, amz: "x-amz-acl:b\n" }),
    { headers: { "x-amz-acl": "b" } },
  ],
  [
    "two headers made one",
    "InvalidArgument",
    presignV2("/bkt/k?x-amz-meta-a=b%0Ax-amz-meta-c:d", {
      ...OK,
      amz: "x-amz-meta-a:b\nx-amz-meta-c:d\n",
    }),
  ],
  [
    "a name with a piece of the value",
    "InvalidArgument",
    presignV2("/bkt/k?x-amz-meta-a:b=c", { ...OK, amz: "x-amz-meta-a:b:c\n" }),
  ],
  [
    "a header twice in the query",
    "InvalidArgument",
    presignV2("/bkt/k?x-amz-acl=a&X-Amz-Acl=b", { ...OK, amz: "x-amz-acl:a\n" }),
  ],
  ["both versions", "InvalidArgument", `${URL}&X-Amz-Signature=a`],
  ["both versions, by the algorithm", "InvalidArgument", `${URL}&X-Amz-Algorithm=AWS4-HMAC-SHA256`],
  ["an Authorization header too", "InvalidArgument", URL, {
    headers: { authorization: authorization("host", "a") },
  }],
  ["itself and the header form", "InvalidArgument", URL, { headers: { authorization: "AWS a:b" } }],
  ["the header form", "InvalidRequest", "/bkt/k", { headers: { authorization: "AWS a:b" } }],
];

for (const [why, code, target, sent] of REFUSED) {
  Deno.test(`refused as ${code}: ${why}`, () => {
    assertEquals(thrownBy(() => identify({ target, ...sent })).code, code);
  });
}

Deno.test("a mismatch tells what was signed over here, and no secret", () => {
  const target = `${URL}&response-expires=x`;
  const { details } = thrownBy(() => identify({ target }));
  assertEquals(details, {
    AWSAccessKeyId: EXAMPLE_PAIR.accessKeyId,
    StringToSign: `GET\n\n\n${OK.expires}\n/bkt/k?response-expires=x`,
    SignatureProvided: signatureV2(OK),
  });
});

Deno.test("what names an operation is signed, but for the kind of a listing", () => {
  const names = [BUCKET_OPERATIONS, OBJECT_OPERATIONS].flatMap((table) =>
    Object.entries(table).filter(([, methods]) =>
      Object.values(methods).some((operation) => typeof operation === "string")
    ).map(([subResource]) => subResource)
  );
  const unsigned = new Set(names.filter((name) => !SIGNED_PARAMETERS.has(name)));
  assertEquals([...unsigned], ["", "list-type"]);
});

const KNOWN = /^(?:AWSAccessKeyId|Signature|Expires|versionId|x-amz-.*)$/;

Deno.test("no byte of path, key, signature, expiry and signed parameter can be another", () => {
  const target = presignV2("/bkt/a%20k?versionId=null&x-amz-meta-a=b", {
    ...OK,
    resource: "/bkt/a%20k?versionId=null",
    amz: "x-amz-meta-a:b\n",
  });
  assertEquals(identify({ target }).caller, SIGNED);
  const meaning = (text: string) => {
    const { rawPath, query } = incomingRequest({ target: text });
    const names = query.map((
      { name, value },
    ) => [/^x-amz-/i.test(name) ? name.toLowerCase() : name, value]);
    return [rawPath, names.filter(([name = ""]) => KNOWN.test(name))];
  };
  const place = fc.nat(target.length - 1);
  const byte = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(place, byte, fc.nat(2), (at, other, dropped) => {
      const mutated = target.slice(0, at) + other + target.slice(at + dropped);
      try {
        if (!mutated.startsWith("/") || mutated.includes("#")) return;
        const { caller } = identify({ target: mutated });
        if (caller.kind === "anonymous") assertNotEquals(mutated, target);
        else assertEquals(meaning(mutated), meaning(target));
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
});

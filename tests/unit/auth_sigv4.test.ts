/** Signatures in headers: AWS's examples, what signers may do differently, and every way to be wrong. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { authenticate } from "../../src/auth/sigv4.ts";
import type { IncomingRequest } from "../../src/incoming_request.ts";
import {
  authorization,
  EXAMPLE_HOST,
  EXAMPLE_PAIR,
  EXAMPLE_SCOPE,
  EXAMPLE_TIME_MS,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  type RequestOptions,
  sha256Hex,
  signCanonical,
  thrownBy,
} from "./auth_support.ts";

const EMPTY = sha256Hex("");
const DATE_AND_HASH = { "x-amz-content-sha256": EMPTY, "x-amz-date": EXAMPLE_TIMESTAMP };
const USUAL_NAMES = "host;x-amz-content-sha256;x-amz-date";
const USUAL_LINES =
  `host:${EXAMPLE_HOST}\nx-amz-content-sha256:${EMPTY}\nx-amz-date:${EXAMPLE_TIMESTAMP}\n`;
const SIGNED = { kind: "signed", accessKeyId: EXAMPLE_PAIR.accessKeyId, role: "admin" } as const;

interface Example extends RequestOptions {
  readonly name: string;
  readonly signed: string;
  readonly signature: string;
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const EXAMPLES: readonly Example[] = [
  {
    name: "GET object with a range",
    target: "/test.txt",
    headers: { range: "bytes=0-9", ...DATE_AND_HASH },
    signed: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "PUT object",
    method: "PUT",
    target: "/test$file.text",
    headers: {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-date": EXAMPLE_TIMESTAMP,
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": sha256Hex("Welcome to Amazon S3."),
    },
    signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "GET bucket lifecycle",
    target: "/?lifecycle",
    headers: DATE_AND_HASH,
    signed: USUAL_NAMES,
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "list objects",
    target: "/?max-keys=2&prefix=J",
    headers: DATE_AND_HASH,
    signed: USUAL_NAMES,
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
];

for (const { name, signed, signature, ...options } of EXAMPLES) {
  Deno.test(`AWS's example verifies: ${name}`, () => {
    const headers = { ...options.headers, authorization: authorization(signed, signature) };
    const request = incomingRequest({ ...options, headers });
    const { caller, signing, contentSha256 } = authenticate(request, exampleWorld());
    assertEquals(caller, SIGNED);
    assertEquals(signing?.signature, signature);
    assertEquals(contentSha256, options.headers?.["x-amz-content-sha256"]);
  });
}

interface Signer {
  readonly name: string;
  /** What is on the wire. */
  readonly wire: RequestOptions;
  /** Path, query, header lines and header names as the signer had them. */
  readonly path?: string;
  readonly query?: string;
  readonly lines?: string;
  readonly names?: string;
}

/** GET of what is on the wire, signed over what the signer had. */
function signedRequest({ wire, path = "/", query = "", lines, names }: Signer): IncomingRequest {
  const canonical = `GET\n${path}\n${query}\n${lines ?? USUAL_LINES}\n${
    names ?? USUAL_NAMES
  }\n${EMPTY}`;
  const bytes = Uint8Array.from(canonical, (unit) => unit.charCodeAt(0));
  const signature = authorization(names ?? USUAL_NAMES, signCanonical(bytes));
  const headers = { ...DATE_AND_HASH, authorization: signature, ...wire.headers };
  return incomingRequest({ ...wire, headers });
}

const META_NAMES = `${USUAL_NAMES};x-amz-meta-a`;

const SIGNERS: readonly Signer[] = [
  { name: "a path left unencoded", wire: { target: "/a!(b)'*" }, path: "/a%21%28b%29%27%2A" },
  { name: "a path encoded in lower case", wire: { target: "/%c3%a9%7e" }, path: "/%C3%A9~" },
  { name: "a plus", wire: { target: "/a+b" }, path: "/a%2Bb" },
  { name: "dots and empty components", wire: { target: "/a//b/../c/./" }, path: "/a//b/../c/./" },
  { name: "an encoded slash signed as a slash", wire: { target: "/a%2Fb" }, path: "/a/b" },
  { name: "an encoded slash signed as sent", wire: { target: "/a%2Fb" }, path: "/a%2Fb" },
  { name: "a path signed as sent", wire: { target: "/a(b)" }, path: "/a(b)" },
  {
    name: "a query in no order, with empty values and empty pairs",
    wire: { target: "/?prefix=b%2fc&&a-b=1&a=2&a=10&uploads" },
    query: "a=10&a=2&a-b=1&prefix=b%2Fc&uploads=",
  },
  { name: "a query left unencoded", wire: { target: "/?a=b/c:+*" }, query: "a=b%2Fc%3A%2B%2A" },
  {
    name: "runs of spaces",
    wire: { headers: { "x-amz-meta-a": " a   b  c " } },
    lines: `${USUAL_LINES}x-amz-meta-a:a b c\n`,
    names: META_NAMES,
  },
  {
    name: "a repeated header, which the runtime joined",
    wire: { headers: { "x-amz-meta-a": "one, two" } },
    lines: `${USUAL_LINES}x-amz-meta-a:one,two\n`,
    names: META_NAMES,
  },
  {
    name: "a list in one header",
    wire: { headers: { "x-amz-meta-a": "one, two" } },
    lines: `${USUAL_LINES}x-amz-meta-a:one, two\n`,
    names: META_NAMES,
  },
  {
    name: "UTF-8 in a header, which arrives as latin1",
    wire: { headers: { "x-amz-meta-a": "\xc3\xa9" } },
    lines: `${USUAL_LINES}x-amz-meta-a:\xc3\xa9\n`,
    names: META_NAMES,
  },
  {
    name: "an empty header that the HTTP library dropped",
    wire: {},
    lines: `content-type:\n${USUAL_LINES}`,
    names: `content-type;${USUAL_NAMES}`,
  },
  {
    name: "x-amz-content-sha256 not among the signed headers, as S3 allows",
    wire: {},
    lines: `host:${EXAMPLE_HOST}\nx-amz-date:${EXAMPLE_TIMESTAMP}\n`,
    names: "host;x-amz-date",
  },
  {
    name: "headers that needn't be signed",
    wire: { headers: { "user-agent": "x", "x-amzn-trace-id": "y", "amz-sdk-request": "z" } },
  },
];

for (const signer of SIGNERS) {
  Deno.test(`a signer may have: ${signer.name}`, () => {
    assertEquals(authenticate(signedRequest(signer), exampleWorld()).caller, SIGNED);
  });
}

Deno.test("a Date header stands in for x-amz-date", () => {
  for (const date of ["Fri, 24 May 2013 00:00:00 GMT", EXAMPLE_TIMESTAMP]) {
    const lines = `date:${date}\nhost:${EXAMPLE_HOST}\nx-amz-content-sha256:${EMPTY}\n`;
    const names = "date;host;x-amz-content-sha256";
    const canonical = `GET\n/\n\n${lines}\n${names}\n${EMPTY}`;
    const headers = {
      date,
      "x-amz-content-sha256": EMPTY,
      authorization: authorization(names, signCanonical(canonical)),
    };
    assertEquals(authenticate(incomingRequest({ headers }), exampleWorld()).caller, SIGNED);
  }
});

Deno.test("the components of the header come in any order, with or without spaces", () => {
  const signature = signCanonical(`GET\n/\n\n${USUAL_LINES}\n${USUAL_NAMES}\n${EMPTY}`);
  const credential = `Credential=${EXAMPLE_PAIR.accessKeyId}/${EXAMPLE_SCOPE}`;
  const headers = {
    ...DATE_AND_HASH,
    authorization:
      `AWS4-HMAC-SHA256   Signature=${signature} ,${credential},  SignedHeaders=${USUAL_NAMES}`,
  };
  assertEquals(authenticate(incomingRequest({ headers }), exampleWorld()).caller, SIGNED);
});

Deno.test("a request without a signature is anonymous", () => {
  const anonymous = { caller: { kind: "anonymous" }, signing: undefined } as const;
  assertEquals(authenticate(incomingRequest({ target: "/?prefix=a" }), exampleWorld()), {
    ...anonymous,
    contentSha256: undefined,
  });
  const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-acl": "private" };
  assertEquals(authenticate(incomingRequest({ headers }), exampleWorld()), {
    ...anonymous,
    contentSha256: "UNSIGNED-PAYLOAD",
  });
});

Deno.test("an access key id may hold slashes", async () => {
  const { createKeyring } = await import("../../src/auth/keyring.ts");
  const keyring = createKeyring([{ ...EXAMPLE_PAIR, accessKeyId: "a/b" }]);
  const usual = signedRequest({ name: "", wire: {} }).headers.get("authorization") ?? "";
  const headers = {
    ...DATE_AND_HASH,
    authorization: usual.replace(EXAMPLE_PAIR.accessKeyId, "a/b"),
  };
  const { caller } = authenticate(incomingRequest({ headers }), { ...exampleWorld(), keyring });
  assertEquals(caller, { ...SIGNED, accessKeyId: "a/b" });
});

const GOOD = signedRequest({ name: "", wire: {} }).headers.get("authorization") ?? "";

/** Headers laid over those of a request that would be good; "" removes one. */
const REFUSED: readonly (readonly [why: string, code: string, headers: Record<string, string>])[] =
  [
    ["another signature", "SignatureDoesNotMatch", { authorization: GOOD.slice(0, -1) + "x" }],
    ["a signature in upper case", "SignatureDoesNotMatch", {
      authorization: GOOD.slice(0, -64) + GOOD.slice(-64).toUpperCase(),
    }],
    ["a signature cut short", "SignatureDoesNotMatch", { authorization: GOOD.slice(0, -1) }],
    ["a changed header", "SignatureDoesNotMatch", { host: "other" }],
    ["another payload hash", "SignatureDoesNotMatch", { "x-amz-content-sha256": sha256Hex("x") }],
    ["an unknown key", "InvalidAccessKeyId", { authorization: GOOD.replace("AKIA", "BKIA") }],
    ["no payload hash", "InvalidRequest", { "x-amz-content-sha256": "" }],
    ["an unsigned x-amz header", "AccessDenied", { "x-amz-acl": "public-read" }],
    ["host unsigned", "AccessDenied", { authorization: GOOD.replace("=host;", "=") }],
    ["no date", "AccessDenied", { "x-amz-date": "" }],
    ["a date that is none", "AccessDenied", { "x-amz-date": "20130524T006000Z" }],
    ["a date in another form", "AccessDenied", { "x-amz-date": "2013-05-24T00:00:00Z" }],
    ["a Date header that is none", "AccessDenied", { "x-amz-date": "", date: "yesterday GMT" }],
    ["a session token", "InvalidToken", { "x-amz-security-token": "t" }],
    ["Signature Version 2", "InvalidRequest", { authorization: "AWS AKIAIOSFODNN7EXAMPLE:abc=" }],
    ["Signature Version 4A", "NotImplemented", {
      authorization: GOOD.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    }],
    ["basic authentication", "InvalidArgument", { authorization: "Basic dXNlcjpwYXNz" }],
    ["another day in the scope", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("20130524/", "20130525/"),
    }],
    ["a day in the scope that is none", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("20130524/", "2013-5-24/"),
    }],
    ["another service", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("/s3/", "/ec2/"),
    }],
    ["another terminator", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("aws4_request", "aws5_request"),
    }],
    ["no region", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("/us-east-1/", "//"),
    }],
    ["no access key id", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(EXAMPLE_PAIR.accessKeyId, ""),
    }],
    ["a credential of three parts", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace("/us-east-1/s3", ""),
    }],
    ["no signature", "AuthorizationHeaderMalformed", { authorization: GOOD.replace(/,Sig.*/, "") }],
    ["an empty signature", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(/Signature=.*/, "Signature="),
    }],
    ["a component twice", "AuthorizationHeaderMalformed", { authorization: `${GOOD},Signature=a` }],
    ["an unknown component", "AuthorizationHeaderMalformed", { authorization: `${GOOD},a=b` }],
    ["the header twice", "AuthorizationHeaderMalformed", { authorization: `${GOOD}, ${GOOD}` }],
    ["the algorithm alone", "AuthorizationHeaderMalformed", { authorization: "AWS4-HMAC-SHA256" }],
    ["signed headers in disorder", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(USUAL_NAMES, "x-amz-date;host"),
    }],
    ["a signed header twice", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(USUAL_NAMES, "host;host"),
    }],
    ["signed headers in upper case", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(USUAL_NAMES, "Host;x-amz-date"),
    }],
    ["an empty name among the signed headers", "AuthorizationHeaderMalformed", {
      authorization: GOOD.replace(USUAL_NAMES, "host;;x-amz-date"),
    }],
  ];

for (const [why, code, changes] of REFUSED) {
  Deno.test(`refused as ${code}: ${why}`, () => {
    const all = { ...DATE_AND_HASH, authorization: GOOD, ...changes };
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
    const error = thrownBy(() => authenticate(incomingRequest({ headers }), exampleWorld()));
    assertEquals(error.code, code);
    const shown = JSON.stringify([error.message, error.details]);
    assertNotMatch(shown, /wJalrXUtnFEMI|dXNlcjpwYXNz/, "no secret is shown");
  });
}

Deno.test("the path, the query and the method are signed", () => {
  const headers = { ...DATE_AND_HASH, authorization: GOOD };
  for (const change of [{ target: "/a" }, { target: "/?a" }, { method: "HEAD" }]) {
    const request = incomingRequest({ headers, ...change });
    const error = thrownBy(() => authenticate(request, exampleWorld()));
    assertEquals(error.code, "SignatureDoesNotMatch");
  }
});

Deno.test("a mismatch shows what the server signed", () => {
  const headers = { ...DATE_AND_HASH, authorization: GOOD };
  const request = incomingRequest({ target: "/a?b", headers });
  const { details } = thrownBy(() => authenticate(request, exampleWorld()));
  assertEquals(details, {
    AWSAccessKeyId: EXAMPLE_PAIR.accessKeyId,
    SignatureProvided: GOOD.slice(-64),
    CanonicalRequest: `GET\n/a\nb=\n${USUAL_LINES}\n${USUAL_NAMES}\n${EMPTY}`,
    StringToSign: `AWS4-HMAC-SHA256\n${EXAMPLE_TIMESTAMP}\n${EXAMPLE_SCOPE}\n` +
      sha256Hex(`GET\n/a\nb=\n${USUAL_LINES}\n${USUAL_NAMES}\n${EMPTY}`),
  });
});

Deno.test("unsigned headers are named", () => {
  const headers = { ...DATE_AND_HASH, authorization: GOOD, "x-amz-acl": "a", "x-amz-meta-b": "c" };
  const { details } = thrownBy(() => authenticate(incomingRequest({ headers }), exampleWorld()));
  assertEquals(details, { HeadersNotSigned: "x-amz-acl, x-amz-meta-b" });
});

Deno.test("a quarter of an hour of skew is allowed, both ways", () => {
  const request = signedRequest({ name: "", wire: {} });
  const quarter = 15 * 60_000;
  for (const skewMs of [-quarter, 0, quarter]) {
    const world = exampleWorld({ nowMs: EXAMPLE_TIME_MS + skewMs });
    assertEquals(authenticate(request, world).caller, SIGNED);
  }
  for (const skewMs of [-quarter - 1, quarter + 1]) {
    const world = exampleWorld({ nowMs: EXAMPLE_TIME_MS + skewMs });
    const error = thrownBy(() => authenticate(request, world));
    assertEquals(error.code, "RequestTimeTooSkewed");
    assertEquals(error.details["RequestTime"], EXAMPLE_TIMESTAMP);
  }
});

Deno.test("a configured region is the only one", () => {
  const request = signedRequest({ name: "", wire: {} });
  assertEquals(authenticate(request, exampleWorld({ region: "us-east-1" })).caller, SIGNED);
  const error = thrownBy(() => authenticate(request, exampleWorld({ region: "eu-west-1" })));
  assertEquals(error.code, "AuthorizationHeaderMalformed");
  assertEquals(error.details, { Region: "eu-west-1" });
  assertMatch(error.message, /the region 'us-east-1' is wrong; expecting 'eu-west-1'/);
});

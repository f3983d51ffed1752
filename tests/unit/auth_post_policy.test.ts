/** Browser forms: AWS's example, who signed, and whether the form keeps to the policy. */

import { assertEquals, assertMatch } from "@std/assert";
import { createKeyring } from "../../src/auth/keyring.ts";
import { parsePostPolicy } from "../../src/auth/post_conditions.ts";
import { authenticatePostPolicy, checkPolicy } from "../../src/auth/post_policy.ts";
import { LIMITS } from "../../src/limits.ts";
import {
  EXAMPLE_PAIR,
  EXAMPLE_SCOPE,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  signText,
  thrownBy,
} from "./auth_support.ts";

const SIGNED = { kind: "signed", accessKeyId: EXAMPLE_PAIR.accessKeyId, role: "admin" } as const;

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html. The signature is of exactly these bytes.
const EXAMPLE_POLICY = [
  '{ "expiration": "2015-12-30T12:00:00.000Z",',
  '  "conditions": [',
  '    {"bucket": "sigv4examplebucket"},',
  '    ["starts-with", "$key", "user/user1/"],',
  '    {"acl": "public-read"},',
  '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
  '    ["starts-with", "$Content-Type", "image/"],',
  '    {"x-amz-meta-uuid": "14365123651274"},',
  '    {"x-amz-server-side-encryption": "AES256"},',
  '    ["starts-with", "$x-amz-meta-tag", ""],',
  "",
  '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
  '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
  '    {"x-amz-date": "20151229T000000Z" }',
  "  ]",
  "}",
].join("\r\n");

const EXAMPLE_FIELDS = {
  key: "user/user1/photo.jpg",
  acl: "public-read",
  success_action_redirect: "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
  "content-type": "image/jpeg",
  "x-amz-meta-uuid": "14365123651274",
  "x-amz-server-side-encryption": "AES256",
  "x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
  "x-amz-algorithm": "AWS4-HMAC-SHA256",
  "x-amz-date": "20151229T000000Z",
  "x-amz-meta-tag": "",
  policy: btoa(EXAMPLE_POLICY),
  "x-amz-signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
};

Deno.test("AWS's example of a form verifies, and keeps to its policy", () => {
  const fields = new Map(Object.entries(EXAMPLE_FIELDS));
  const { caller, policy } = authenticatePostPolicy(fields, exampleWorld());
  assertEquals(caller, SIGNED);
  assertEquals(policy?.conditions.length, 11);
  const whole = new Map([...fields, ["bucket", "sigv4examplebucket"]]);
  const nowMs = Date.UTC(2015, 11, 30);
  assertEquals(policy && checkPolicy(policy, whole, nowMs), { min: 0, max: LIMITS.putBytesMax });
});

type Changes = Record<string, string>;

/** A form with a signed policy; "" removes a field. */
function form(
  changes: Changes = {},
  policy = '{"expiration":"2013-06-01T00:00:00Z","conditions":[]}',
) {
  const all = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${EXAMPLE_PAIR.accessKeyId}/${EXAMPLE_SCOPE}`,
    "x-amz-date": EXAMPLE_TIMESTAMP,
    policy: btoa(policy),
    "x-amz-signature": signText(btoa(policy)),
    ...changes,
  };
  return new Map(Object.entries(all).filter(([, value]) => value !== ""));
}

const QUERY_ERROR = "AuthorizationQueryParametersError";

const REFUSED: readonly (readonly [why: string, code: string, changes: Changes])[] = [
  ["another signature", "SignatureDoesNotMatch", { "x-amz-signature": "0".repeat(64) }],
  ["another policy", "SignatureDoesNotMatch", { policy: btoa("{}") }],
  ["an unknown key", "InvalidAccessKeyId", { "x-amz-credential": `nobody/${EXAMPLE_SCOPE}` }],
  ["a session token", "InvalidToken", { "x-amz-security-token": "t" }],
  ["no policy", "InvalidArgument", { policy: "" }],
  ["no signature", "InvalidArgument", { "x-amz-signature": "" }],
  ["no algorithm", "InvalidArgument", { "x-amz-algorithm": "" }],
  ["no credential", "InvalidArgument", { "x-amz-credential": "" }],
  ["no date", "InvalidArgument", { "x-amz-date": "" }],
  ["another algorithm", QUERY_ERROR, { "x-amz-algorithm": "AWS4-HMAC-MD5" }],
  ["Signature Version 4A", "NotImplemented", { "x-amz-algorithm": "AWS4-ECDSA-P256-SHA256" }],
  ["Signature Version 2", "InvalidRequest", { awsaccesskeyid: "a", signature: "b" }],
  ["a date that is none", QUERY_ERROR, { "x-amz-date": "2013-05-24" }],
  ["another day in the credential", QUERY_ERROR, { "x-amz-date": "20130525T000000Z" }],
  ["a credential that is none", QUERY_ERROR, { "x-amz-credential": "a/b" }],
];

for (const [why, code, changes] of REFUSED) {
  Deno.test(`refused as ${code}: ${why}`, () => {
    assertEquals(thrownBy(() => authenticatePostPolicy(form(changes), exampleWorld())).code, code);
  });
}

Deno.test("a form without policy and signature is anonymous", () => {
  const fields = new Map([["key", "a"]]);
  const nobody = { caller: { kind: "anonymous" }, policy: undefined } as const;
  assertEquals(authenticatePostPolicy(fields, exampleWorld()), nobody);
});

Deno.test("a configured region is the only one", () => {
  const error = thrownBy(() =>
    authenticatePostPolicy(form(), exampleWorld({ region: "eu-west-1" }))
  );
  assertEquals([error.code, error.details], [QUERY_ERROR, { Region: "eu-west-1" }]);
});

Deno.test("the role is that of the pair", () => {
  const keyring = createKeyring([{ ...EXAMPLE_PAIR, role: "user" }]);
  const { caller } = authenticatePostPolicy(form(), { ...exampleWorld(), keyring });
  assertEquals(caller, { ...SIGNED, role: "user" });
});

const EXPIRATION = '"expiration":"2013-06-01T00:00:00.000Z"';

const MALFORMED = [
  "",
  "no JSON",
  "[]",
  "null",
  "{}",
  `{${EXPIRATION}}`,
  `{${EXPIRATION},"conditions":{}}`,
  `{${EXPIRATION},"CONDITIONS":[]}`,
  '{"EXPIRATION":"2013-06-01T00:00:00Z","conditions":[]}',
  '{"expiration":"tomorrow","conditions":[]}',
  '{"expiration":"2013-13-01T00:00:00Z","conditions":[]}',
  '{"expiration":1370044800,"conditions":[]}',
  ...[
    "1",
    "{}",
    '{"a":"b","c":"d"}',
    '{"a":["b"]}',
    "[]",
    '["eq","$a"]',
    '["eq","$a","b","c"]',
    '["eq","a","b"]',
    '["eq","$a",null]',
    '["ends-with","$a","b"]',
    '["content-length-range",0]',
    '["content-length-range",-1,5]',
    '["content-length-range",0,1.5]',
    '["content-length-range","a",5]',
  ].map((condition) => `{${EXPIRATION},"conditions":[${condition}]}`),
];

for (const document of MALFORMED) {
  Deno.test(`no policy: ${document}`, () => {
    const error = thrownBy(() => parsePostPolicy(btoa(document)));
    assertEquals(error.code, "InvalidPolicyDocument");
    assertMatch(error.message, /^Invalid Policy: /);
  });
}

Deno.test("no policy: what isn't base64, or not UTF-8 in it", () => {
  for (const text of ["***", btoa("\xff")]) {
    assertEquals(thrownBy(() => parsePostPolicy(text)).code, "InvalidPolicyDocument");
  }
});

const NOW_MS = Date.UTC(2013, 4, 24);

function check(conditions: string, fields: Changes, nowMs = NOW_MS) {
  const policy = parsePostPolicy(btoa(`{${EXPIRATION},"conditions":[${conditions}]}`));
  return checkPolicy(policy, new Map(Object.entries(fields)), nowMs);
}

const KEPT: readonly (readonly [conditions: string, fields: Changes])[] = [
  ["", {}],
  ['{"acl":"private"}', { acl: "private" }],
  ['["eq","$acl","private"]', { acl: "private" }],
  ['["starts-with","$key","a/"]', { key: "a/b" }],
  ['["starts-with","$key",""]', { key: "" }],
  ['["StArTs-WiTh","$KeY","a"],{"ACL":"private"}', { key: "ab", acl: "private" }],
  ['{"success_action_status":201}', { success_action_status: "201" }],
  ['["starts-with","$Content-Type","image/"]', { "content-type": "image/png, image/gif" }],
  ["", { policy: "p", "x-amz-signature": "s", file: "f", "x-ignore-this": "i" }],
  ['["starts-with","$key","a"],["eq","$key","ab"]', { key: "ab" }],
];

for (const [conditions, fields] of KEPT) {
  Deno.test(`kept: [${conditions}] by ${JSON.stringify(fields)}`, () => {
    assertEquals(check(conditions, fields), { min: 0, max: LIMITS.putBytesMax });
  });
}

const BROKEN: readonly (readonly [conditions: string, fields: Changes, message: string])[] = [
  ['{"acl":"private"}', { acl: "public-read" }, 'Policy Condition failed: ["eq","$acl","private"]'],
  ['{"acl":"private"}', {}, 'Policy Condition failed: ["eq","$acl","private"]'],
  ['{"acl":"private"}', { acl: "Private" }, 'Policy Condition failed: ["eq","$acl","private"]'],
  [
    '["starts-with","$key","a/"]',
    { key: "b" },
    'Policy Condition failed: ["starts-with","$key","a/"]',
  ],
  ['["starts-with","$key",""]', {}, 'Policy Condition failed: ["starts-with","$key",""]'],
  [
    '["starts-with","$content-type","image/"]',
    { "content-type": "image/png,text/html" },
    'Policy Condition failed: ["starts-with","$content-type","image/"]',
  ],
  [
    '["starts-with","$key","a"],["eq","$key","ab"]',
    { key: "ac" },
    'Policy Condition failed: ["eq","$key","ab"]',
  ],
  ['{"key":"k"}', { key: "k", acl: "a", bucket: "b" }, "Extra input fields: acl, bucket"],
  ["", { "x-amz-date": "d" }, "Extra input fields: x-amz-date"],
];

for (const [conditions, fields, message] of BROKEN) {
  Deno.test(`broken: [${conditions}] by ${JSON.stringify(fields)}`, () => {
    const error = thrownBy(() => check(conditions, fields));
    assertEquals(error.code, "AccessDenied");
    assertEquals(error.message, `Invalid according to Policy: ${message}`);
  });
}

Deno.test("a policy holds until it expires", () => {
  const expiresMs = Date.UTC(2013, 5, 1);
  assertEquals(check("", {}, expiresMs - 1).min, 0);
  const error = thrownBy(() => check("", {}, expiresMs));
  assertEquals(error.message, "Invalid according to Policy: Policy expired.");
});

Deno.test("ranges of the file's size are handed on, the narrowest of several", () => {
  assertEquals(check('["content-length-range",1,"10"]', {}), { min: 1, max: 10 });
  const several = '["content-length-range",1,10],["Content-Length-Range",5,20]';
  assertEquals(check(several, {}), { min: 5, max: 10 });
});

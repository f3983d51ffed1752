import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import {
  corsDocument,
  type CorsQuestion,
  type CorsRule,
  findRule,
  formatStoredRules,
  OPEN_RULES,
  parseCorsXml,
  parseStoredRules,
} from "../../src/s3/cors_rules.ts";

function parse(xml: string): readonly CorsRule[] {
  return parseCorsXml(new TextEncoder().encode(xml));
}

function configuration(...rules: readonly string[]): string {
  return `<CORSConfiguration>${rules.map((rule) => `<CORSRule>${rule}</CORSRule>`).join("")}` +
    "</CORSConfiguration>";
}

const GET_ANY = "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";

const RULE: CorsRule = {
  id: "one",
  methods: ["GET", "PUT"],
  origins: ["https://*.example.com", "http://localhost:3000"],
  headers: ["x-amz-*", "Content-Type"],
  exposed: ["ETag"],
  maxAgeSeconds: 60,
};

Deno.test("cors: rules survive XML and storage", () => {
  assertEquals(parse(corsDocument([RULE])), [RULE]);
  assertEquals(parseStoredRules(formatStoredRules([RULE])), [RULE]);
});

Deno.test("cors: a rule needs only methods and origins", () => {
  assertEquals(parse(configuration(GET_ANY)), [
    { methods: ["GET"], origins: ["*"], headers: [], exposed: [] },
  ]);
});

const REFUSED: readonly [why: string, xml: string, code: string][] = [
  ["no rule", "<CORSConfiguration/>", "MalformedXML"],
  ["another root", "<Cors/>", "MalformedXML"],
  ["a rule without a method", configuration("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"],
  ["a rule without an origin", configuration("<AllowedMethod>GET</AllowedMethod>"), "MalformedXML"],
  ["an unknown element", configuration(`${GET_ANY}<Allow/>`), "MalformedXML"],
  ["two ids", configuration(`${GET_ANY}<ID>a</ID><ID>b</ID>`), "MalformedXML"],
  ["a long id", configuration(`${GET_ANY}<ID>${"i".repeat(256)}</ID>`), "MalformedXML"],
  [
    "an age that isn't a number",
    configuration(`${GET_ANY}<MaxAgeSeconds>-1</MaxAgeSeconds>`),
    "MalformedXML",
  ],
  [
    "another method",
    configuration(`${GET_ANY}<AllowedMethod>PATCH</AllowedMethod>`),
    "InvalidRequest",
  ],
  [
    "an origin with two wildcards",
    configuration(`${GET_ANY}<AllowedOrigin>*.a.*</AllowedOrigin>`),
    "InvalidRequest",
  ],
  [
    "a header with two wildcards",
    configuration(`${GET_ANY}<AllowedHeader>*-a-*</AllowedHeader>`),
    "InvalidRequest",
  ],
  [
    "a wildcard among exposed headers",
    configuration(`${GET_ANY}<ExposeHeader>x-*</ExposeHeader>`),
    "InvalidRequest",
  ],
  [
    "an exposed header that can't be sent",
    configuration(`${GET_ANY}<ExposeHeader>a&#10;b</ExposeHeader>`),
    "InvalidRequest",
  ],
  [
    "too many rules",
    configuration(...Array<string>(LIMITS.corsRulesMax + 1).fill(GET_ANY)),
    "MalformedXML",
  ],
];

for (const [why, xml, code] of REFUSED) {
  Deno.test(`cors: refuses ${why}`, () => {
    assertEquals(assertThrows(() => parse(xml), S3Error).code, code);
  });
}

const ASKED: readonly [question: CorsQuestion, isAllowed: boolean][] = [
  [{ origin: "https://a.example.com", method: "GET", headers: [] }, true],
  [{ origin: "https://a.b.example.com", method: "PUT", headers: [] }, true],
  [{ origin: "https://.example.com", method: "GET", headers: [] }, true],
  [{ origin: "https://example.com", method: "GET", headers: [] }, false],
  [{ origin: "https://example.com.evil", method: "GET", headers: [] }, false],
  [{ origin: "http://a.example.com", method: "GET", headers: [] }, false],
  [{ origin: "http://localhost:3000", method: "GET", headers: [] }, true],
  [{ origin: "http://localhost:3001", method: "GET", headers: [] }, false],
  [{ origin: "http://localhost:3000", method: "DELETE", headers: [] }, false],
  [{ origin: "http://localhost:3000", method: "PUT", headers: ["X-Amz-Date"] }, true],
  [{ origin: "http://localhost:3000", method: "PUT", headers: ["content-type"] }, true],
  [{ origin: "http://localhost:3000", method: "PUT", headers: ["authorization"] }, false],
  [
    { origin: "http://localhost:3000", method: "PUT", headers: ["x-amz-date", "cookie"] },
    false,
  ],
];

for (const [question, isAllowed] of ASKED) {
  const { origin, method, headers } = question;
  Deno.test(`cors: ${method} from ${origin} with [${headers}] is ${isAllowed}`, () => {
    assertEquals(findRule([RULE], question), isAllowed ? RULE : undefined);
  });
}

Deno.test("cors: a wildcard doesn't let beginning and end overlap", () => {
  const rule = { ...RULE, origins: ["aba*aba"] };
  assertEquals(findRule([rule], { origin: "aba", method: "GET", headers: [] }), undefined);
  assertEquals(findRule([rule], { origin: "abaaba", method: "GET", headers: [] }), rule);
});

Deno.test("cors: the first rule that fits decides", () => {
  const narrow = { ...RULE, id: "narrow", methods: ["DELETE"] };
  const question = { origin: "http://localhost:3000", method: "GET", headers: [] };
  assertEquals(findRule([narrow, RULE, ...OPEN_RULES], question), RULE);
});

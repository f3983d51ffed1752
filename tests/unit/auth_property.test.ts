/** Signatures of anything: what a sender may encode as it likes verifies, and nonsense is refused, never a fault. */

import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { parsePostPolicy } from "../../src/auth/post_conditions.ts";
import { authenticatePostPolicy } from "../../src/auth/post_policy.ts";
import { authenticate } from "../../src/auth/sigv4.ts";
import { canonicalPath, canonicalQueryText } from "../../src/auth/uri_encoding.ts";
import { S3Error } from "../../src/errors.ts";
import {
  authorization,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  presignedQuery,
} from "./auth_support.ts";

/** UriEncode of the specification: every byte but the unreserved ones. */
function encodeAll(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9._~-]/.test(character)) return character;
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** Characters, and whether each is sent encoded. */
const characters = fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 1 }), fc.boolean()), {
  maxLength: 20,
});

function encodeSome(parts: readonly (readonly [string, boolean])[]): string {
  return parts.map(([text, isEncoded]) => isEncoded || text === "%" ? encodeAll(text) : text).join(
    "",
  );
}

Deno.test("text encoded in part has the canonical form of the text encoded whole", () => {
  fc.assert(fc.property(characters, (parts) => {
    const whole = encodeAll(parts.map(([text]) => text).join(""));
    assertEquals(canonicalQueryText(encodeSome(parts)), whole);
    assertEquals(canonicalPath(encodeSome(parts)), whole.replaceAll("%2F", "/"));
    assertEquals(canonicalPath(whole), whole.replaceAll("%2F", "/"));
  }));
});

Deno.test("a percent sign that encodes nothing stands for itself", () => {
  assertEquals(["%", "%2", "%zz", "%%41", "a%"].map(canonicalPath), [
    "%25",
    "%252",
    "%25zz",
    "%25A",
    "a%25",
  ]);
});

/** Runs `act`; only S3Errors may come of it. */
function survives(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}

const GOOD = authorization("host;x-amz-content-sha256;x-amz-date", "0".repeat(64));

/** The text with a run of it replaced by something else. */
function mangled(text: string): fc.Arbitrary<string> {
  const filler = fc.string({ unit: "binary-ascii", maxLength: 8 });
  return fc.tuple(fc.nat(text.length), fc.nat(30), filler).map(([at, length, other]) =>
    text.slice(0, at) + other + text.slice(at + length)
  );
}

Deno.test("no Authorization header is a fault", () => {
  fc.assert(
    fc.property(mangled(GOOD), mangled(EXAMPLE_TIMESTAMP), (header, date) => {
      const headers = { authorization: header, "x-amz-date": date, "x-amz-content-sha256": "x" };
      survives(() => authenticate(incomingRequest({ headers }), exampleWorld()));
    }),
    { numRuns: 500 },
  );
});

Deno.test("no query is a fault", () => {
  const query = `${presignedQuery()}&X-Amz-Signature=${"0".repeat(64)}`;
  fc.assert(
    fc.property(mangled(query), (mangledQuery) => {
      survives(() =>
        authenticate(incomingRequest({ target: `/k?${mangledQuery}` }), exampleWorld())
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("no form and no policy is a fault", () => {
  const names = ["policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"];
  const fields = fc.dictionary(fc.constantFrom(...names), fc.string());
  fc.assert(fc.property(fields, fc.json(), (form, json) => {
    survives(() => authenticatePostPolicy(new Map(Object.entries(form)), exampleWorld()));
    const policy = `{"expiration":"2013-06-01T00:00:00Z","conditions":[${json}]}`;
    survives(() => parsePostPolicy(new TextEncoder().encode(policy).toBase64()));
  }));
});

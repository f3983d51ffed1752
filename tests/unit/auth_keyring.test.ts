import { assert, assertEquals, assertThrows } from "@std/assert";
import { createKeyring, type KeyPair } from "../../src/auth/keyring.ts";
import { LIMITS } from "../../src/limits.ts";
import { EXAMPLE_PAIR } from "./auth_support.ts";

Deno.test("pairs are found by their id", () => {
  const other: KeyPair = { accessKeyId: "other", secretKey: "s", role: "reader" };
  const keyring = createKeyring([EXAMPLE_PAIR, other]);
  assertEquals(keyring.find("other"), other);
  assertEquals(keyring.find("nobody"), undefined);
});

Deno.test("an id may be given only once", () => {
  assertThrows(() => createKeyring([EXAMPLE_PAIR, EXAMPLE_PAIR]), RangeError, "given twice");
});

Deno.test("a signing key is that of the specification", () => {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-examples.html has the recipe; the value is openssl's:
  // an HMAC chain over 20151229, us-east-1, s3, aws4_request.
  const key = createKeyring([EXAMPLE_PAIR]).signingKey(EXAMPLE_PAIR, "20151229", "us-east-1");
  assertEquals(key.toHex(), "cbcef1ebeaefc82cce6530b9f0a9ae598846065f5c5bae0674bd5ebc4ba52d28");
});

Deno.test("the least recently used signing keys are forgotten, and made again", () => {
  const keyring = createKeyring([EXAMPLE_PAIR]);
  const keyOf = (region: string) => keyring.signingKey(EXAMPLE_PAIR, "20130524", region);
  const kept = keyOf("kept");
  const forgotten = keyOf("forgotten");
  for (let at = 0; at < LIMITS.signingKeysCachedMax - 1; at++) {
    assert(keyOf("kept") === kept);
    keyOf(`region-${at}`);
  }
  assert(keyOf("kept") === kept);
  assert(keyOf("forgotten") !== forgotten);
  assertEquals(keyOf("forgotten"), forgotten);
});

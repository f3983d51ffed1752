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

Deno.test("replaced pairs are in force at once, and no key of theirs is left", () => {
  const keyring = createKeyring([EXAMPLE_PAIR]);
  const keyOf = (pair: KeyPair) => keyring.signingKey(pair, "20130524", "us-east-1").toHex();
  const first = keyOf(EXAMPLE_PAIR);
  const changed: KeyPair = { ...EXAMPLE_PAIR, secretKey: "another" };
  keyring.replace([changed]);
  assertEquals(keyring.find(EXAMPLE_PAIR.accessKeyId), changed);
  // A request that found the old pair before goes on with it, and leaves nothing behind.
  assertEquals(keyOf(EXAMPLE_PAIR), first);
  assertEquals(
    keyOf(changed),
    createKeyring([changed]).signingKey(changed, "20130524", "us-east-1").toHex(),
  );
  assert(keyOf(changed) !== first);
});

Deno.test("two pairs with one id replace nothing", () => {
  const keyring = createKeyring([EXAMPLE_PAIR]);
  const other: KeyPair = { accessKeyId: "other", secretKey: "s", role: "reader" };
  assertThrows(() => keyring.replace([other, other]), RangeError, "given twice");
  assertEquals(keyring.find("other"), undefined);
  assertEquals(keyring.find(EXAMPLE_PAIR.accessKeyId), EXAMPLE_PAIR);
});

/** Text of a flag or variable → the value it stands for. Each throws a ValueError that says what the text should be. */

import { isIPv6 } from "node:net";
import type { KeyPair, Role } from "../auth/keyring.ts";
import type { CannedAcl } from "../storage/object_store.ts";
import { isOperatorBucketName } from "../storage/names.ts";
import { ValueError } from "./usage_error.ts";

/** A bucket to be made at start. */
export interface BucketSpec {
  readonly name: string;
  readonly acl: CannedAcl;
}

/** What JSON may say in place of a text. Without one only the text is understood. */
export type JsonForm =
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** A list of the texts that commas part. */
  | { readonly kind: "list" };

/** Text → value; throws ValueError. */
export interface Parser<Value> {
  (text: string): Value;
  readonly json?: JsonForm;
}

const ROLES: readonly Role[] = ["admin", "writer", "reader", "user"];
const SECRET_CHARS_MAX = 256;
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION_MS_MAX = 3650 * UNITS_MS.d;

/** Any text on one line. */
export function parseText(text: string): string {
  if (text === "" || hasControlCharacter(text)) throw new ValueError("must be text on one line");
  return text;
}

/** "", "true", "1", "yes", "on" → true, and their opposites; "" is the bare flag. */
export function parseSwitch(text: string): boolean {
  if (["", "1", "true", "yes", "on"].includes(text.toLowerCase())) return true;
  if (["0", "false", "no", "off"].includes(text.toLowerCase())) return false;
  throw new ValueError("must be true or false");
}

/** 0 means any free port. */
export const parsePort = integer(0, 65_535);

/** A parser of whole numbers. */
export function integer(min: number, max: number): Parser<number> {
  const parse = (text: string) => parseInteger(text, min, max);
  return Object.assign(parse, { json: { kind: "integer", min, max } } as const);
}

/** A parser of several texts, parted by commas. */
function list<Value>(parse: (text: string) => Value): Parser<Value> {
  return Object.assign(parse, { json: { kind: "list" } } as const);
}

/** At least one. */
export const parseCount = integer(1, 1_000_000);

const UNITS_BYTES = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

/** `64M`, `1G`: at least 1M. Also `64MiB`, which is the same. */
export function parseBytes(text: string): number {
  const [, digits = "", unit = ""] = /^([0-9]{1,6})([KMG])(?:iB)?$/.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS_BYTES[unit as keyof typeof UNITS_BYTES] ?? NaN);
  if (bytes >= UNITS_BYTES.M) return bytes;
  throw new ValueError("must be a size of at least 1M, like 64M or 1G");
}

/** Decimal digits only: no sign, no exponent, no blanks. */
export function parseInteger(text: string, min: number, max: number): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new ValueError(`must be a whole number from ${min} to ${max}`);
}

/** An address or name to listen on; "[::1]" loses its brackets. */
export function parseHost(text: string): string {
  const host = text.replace(/^\[([0-9A-Fa-f:.]+)\]$/, "$1");
  if (/^[0-9A-Za-z.:_-]+(%[0-9A-Za-z]+)?$/.test(host)) return host;
  throw new ValueError("must be an IP address or a host name, without scheme and port");
}

/** Lower-case host names under which `bucket.name` is a bucket's address. */
export const parseDomains = list((text): readonly string[] =>
  text.split(",").map((domain) => {
    const name = domain.trim().toLowerCase();
    if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) && !name.includes("..")) return name;
    throw new ValueError("must be host names such as s3.example.com, separated by commas");
  })
);

/** The name goes into `Credential=key/date/region/…`, so it holds neither slash nor comma. */
export function parseRegion(text: string): string {
  if (/^[0-9A-Za-z_-]{1,64}$/.test(text)) return text;
  throw new ValueError("must be a region name such as us-east-1");
}

/** The characters that a credential scope, a form field and --acl can carry. */
export function parseAccessKey(text: string): string {
  if (/^[0-9A-Za-z_.@+-]{1,128}$/.test(text)) return text;
  throw new ValueError("must be 1 to 128 letters, digits or any of _ . @ + -");
}

export function parseSecretKey(text: string): string {
  if (text !== "" && text.length <= SECRET_CHARS_MAX && !hasControlCharacter(text)) return text;
  throw new ValueError(`must have 1 to ${SECRET_CHARS_MAX} characters`);
}

/** `role:key:secret,…`; a secret may hold ":" but not ",". */
export const parseAcl = list((text): readonly KeyPair[] => {
  const pairs: KeyPair[] = [];
  for (const [index, entry] of text.split(",").entries()) {
    const pair = parseAclEntry(entry, index + 1);
    if (pairs.some((earlier) => earlier.accessKeyId === pair.accessKeyId)) {
      throw new ValueError(`must name each key once: entry ${index + 1} repeats one`);
    }
    pairs.push(pair);
  }
  return pairs;
});

/** Errors tell the entry's number and never its text: in a wrong order, any field may be the secret. */
function parseAclEntry(entry: string, number: number): KeyPair {
  const [roleText, keyText, ...secretTexts] = entry.split(":");
  const role = ROLES.find((known) => known === roleText);
  if (role === undefined || keyText === undefined || secretTexts.length === 0) {
    throw new ValueError(
      `must be role:key:secret,… with role ${listOf(ROLES)}: entry ${number} is not`,
    );
  }
  const field = <Value>(name: string, parse: (text: string) => Value, text: string): Value => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ValueError(
        `must be role:key:secret,… and in entry ${number} ${name} ${error.message}`,
      );
    }
  };
  const accessKeyId = field("the key", parseAccessKey, keyText);
  return {
    role,
    accessKeyId,
    secretKey: field("the secret", parseSecretKey, secretTexts.join(":")),
  };
}

/** `name[:public],…` */
export const parseBuckets = list((text): readonly BucketSpec[] => {
  const buckets: BucketSpec[] = [];
  for (const entry of text.split(",")) {
    const [name = "", access, ...rest] = entry.trim().split(":");
    if (
      !isOperatorBucketName(name) || rest.length > 0 ||
      (access !== undefined && access !== "public")
    ) {
      throw new ValueError(
        "must be name[:public],… with names of up to 63 lower-case letters, digits, dots and dashes",
      );
    }
    if (buckets.some((earlier) => earlier.name === name)) {
      throw new ValueError("must name each bucket once");
    }
    buckets.push({ name, acl: access === "public" ? "public-read" : "private" });
  }
  return buckets;
});

/** `90s`, `30m`, `12h`, `7d` → milliseconds, at least one second. */
export function parseDurationMs(text: string): number {
  const match = /^([0-9]{1,9})([smhd])$/.exec(text);
  const unit = match?.[2] as keyof typeof UNITS_MS | undefined;
  const ms = unit === undefined ? 0 : Number(match?.[1]) * UNITS_MS[unit];
  if (ms > 0 && ms <= DURATION_MS_MAX) return ms;
  throw new ValueError("must be a time such as 90s, 30m, 12h or 7d");
}

/** `host:port` or `[v6]:port` of a node; the port is a real one. */
export function parsePeer(text: string): string {
  if (isPeer(text)) return text;
  throw new ValueError("must be one host:port or [IPv6]:port, with a port from 1 to 65535");
}

/** The same, separated by commas. */
export const parsePeers = list((text): readonly string[] => {
  const peers = text.split(",").map((entry) => entry.trim());
  if (peers.every(isPeer)) return peers;
  throw new ValueError("must be host:port or [IPv6]:port,…, with ports from 1 to 65535");
});

function isPeer(text: string): boolean {
  const [, v6, name, port = ""] = /^(?:\[(.+)\]|([0-9A-Za-z._-]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const isHost = v6 === undefined ? name !== undefined : isIPv6(v6);
  return isHost && Number(port) >= 1 && Number(port) <= 65_535;
}

/** A parser that takes exactly the words given. */
export function oneOf<Word extends string>(...words: readonly Word[]): Parser<Word> {
  const parse = (text: string) => {
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    throw new ValueError(`must be ${listOf(words)}`);
  };
  return Object.assign(parse, { json: { kind: "words", words } } as const);
}

function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function hasControlCharacter(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  return /[\x00-\x1f\x7f]/.test(text);
}

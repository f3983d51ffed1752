/** Records, names and changes as JSON for messages, and back: what a peer sends is checked for its form before anything else sees it. */

import { LIMITS } from "../limits.ts";
import { PeerFault } from "../peer/transport.ts";
import type { Change } from "../storage/content_store.ts";
import { isKey, isOperatorBucketName } from "../storage/names.ts";
import type {
  BlockRef,
  Json,
  JsonObject,
  Patch,
  Record,
  RecordKind,
  RecordName,
} from "../storage/record.ts";
import { isVersion } from "./hybrid_clock.ts";

const KINDS: readonly RecordKind[] = ["bucket", "object", "upload", "part"];
/** What `sub` may be: a thing has one name only, or it would be listed twice. */
const SUBS = {
  bucket: /^$/,
  object: /^$/,
  upload: /^[0-9A-Za-z_-]{1,64}$/,
  part: /^[0-9A-Za-z_-]{1,64}\/(0(?!0000)[0-9]{4}|10000)$/,
} satisfies { readonly [kind in RecordKind]: RegExp };
const HASH = /^[0-9a-f]{64}$/;
const FIELD = /^[a-z]{1,16}$/;
const STAMP = /^[0-9a-f]{58}(;[a-z]{1,16}=[0-9a-f]{58})*$/;

export function encodeName({ kind, bucket, key, sub }: RecordName): Json {
  return sub === "" ? [kind, bucket, key] : [kind, bucket, key, sub];
}

/** Throws PeerFault. */
export function decodeName(json: Json | undefined): RecordName {
  if (!isArray(json)) throw malformed("a name");
  const [kindText, bucket, key, sub = ""] = json;
  const kind = KINDS.find((known) => known === kindText);
  const isWhole = kind !== undefined && typeof bucket === "string" &&
    isOperatorBucketName(bucket) && typeof key === "string" && typeof sub === "string" &&
    (kind === "bucket" ? key === "" : isKey(key)) && SUBS[kind].test(sub);
  if (!isWhole) throw malformed("a name");
  return { kind, bucket, key, sub };
}

export function encodeRecord(record: Record): Json {
  const { version, isDeleted, data, patches, blocks, inline } = record;
  return {
    n: encodeName(record),
    v: version,
    ...(isDeleted && { x: true }),
    d: data,
    ...(Object.keys(patches).length > 0 && {
      p: Object.fromEntries(
        Object.entries(patches).map(([field, patch]) => [field, [patch.version, patch.value]]),
      ),
    }),
    ...(blocks.length > 0 && {
      b: blocks.map((block) => block.hash).join(""),
      z: blocks.map((block) => block.size),
    }),
    ...(inline !== undefined && { i: inline.toBase64() }),
  };
}

/** Throws PeerFault. */
export function decodeRecord(json: Json | undefined): Record {
  if (!isObject(json)) throw malformed("a record");
  const { n, v, x, d, p, b, z, i } = json;
  if (!isVersion(v) || !isObject(d) || (x !== undefined && typeof x !== "boolean")) {
    throw malformed("a record");
  }
  return {
    ...decodeName(n),
    version: v,
    isDeleted: x === true,
    data: d,
    patches: decodePatches(p),
    blocks: decodeBlocks(b, z),
    inline: decodeInline(i),
  };
}

export function decodeRecords(json: Json | undefined, countMax: number): Record[] {
  return list(json, countMax, "records").map(decodeRecord);
}

export function decodeNames(json: Json | undefined, countMax: number): RecordName[] {
  return list(json, countMax, "names").map(decodeName);
}

export function encodeChange({ name, stamp, seq }: Omit<Change, "seq"> & { seq?: number }): Json {
  return seq === undefined ? [encodeName(name), stamp] : [encodeName(name), stamp, seq];
}

/** Throws PeerFault. */
export function decodeChanges(json: Json | undefined, countMax: number): Change[] {
  return list(json, countMax, "changes").map((entry) => {
    if (!isArray(entry)) throw malformed("a change");
    const [name, stamp, seq = 0] = entry;
    if (typeof stamp !== "string" || !STAMP.test(stamp) || !isCount(seq)) {
      throw malformed("a change");
    }
    return { name: decodeName(name), stamp, seq };
  });
}

/** Throws PeerFault. */
export function decodeHash(json: Json | undefined): string {
  if (typeof json === "string" && HASH.test(json)) return json;
  throw malformed("a hash");
}

export function decodeHashes(json: Json | undefined, countMax: number): string[] {
  return list(json, countMax, "hashes").map(decodeHash);
}

export function isCount(json: Json | undefined): json is number {
  return typeof json === "number" && Number.isSafeInteger(json) && json >= 0;
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

export function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** The fault of whoever sent what isn't `what`. */
export function malformed(what: string): PeerFault {
  return new PeerFault("malformed", `the message doesn't hold ${what} where it should`);
}

/** About how many bytes the record takes in a message. */
export function recordBytes(record: Record): number {
  return 512 + record.key.length * 2 + record.blocks.length * 72 +
    (record.inline?.length ?? 0) * 1.4 + JSON.stringify(record.data).length +
    (Object.keys(record.patches).length > 0 ? JSON.stringify(record.patches).length : 0);
}

/** Cuts records into messages of bounded size; a record over the bound goes alone. */
export function batchRecords(records: readonly Record[]): Record[][] {
  const batches: Record[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = recordBytes(record);
    const last = batches.at(-1);
    if (
      last === undefined || bytes + size > LIMITS.recordBatchBytes ||
      last.length >= LIMITS.recordBatchMax
    ) {
      batches.push([record]);
      bytes = size;
    } else {
      last.push(record);
      bytes += size;
    }
  }
  return batches;
}

function decodePatches(json: Json | undefined): { [field: string]: Patch } {
  if (json === undefined) return {};
  if (!isObject(json)) throw malformed("patches");
  const patches: { [field: string]: Patch } = {};
  for (const [field, patch] of Object.entries(json)) {
    const [version, value] = isArray(patch) ? patch : [];
    if (!FIELD.test(field) || !isVersion(version) || value === undefined) {
      throw malformed("patches");
    }
    patches[field] = { version, value };
  }
  return patches;
}

function decodeBlocks(hashes: Json | undefined, sizes: Json | undefined): BlockRef[] {
  if (hashes === undefined) return [];
  if (typeof hashes !== "string" || !isArray(sizes) || hashes.length !== sizes.length * 64) {
    throw malformed("blocks");
  }
  if (sizes.length > LIMITS.objectBlocksMax) throw malformed("blocks");
  return sizes.map((size, index) => {
    const hash = hashes.slice(index * 64, index * 64 + 64);
    if (!isCount(size) || size === 0 || size > LIMITS.blockBytesMax || !HASH.test(hash)) {
      throw malformed("blocks");
    }
    return { hash, size };
  });
}

function decodeInline(json: Json | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (json === undefined) return undefined;
  if (typeof json !== "string" || json.length > 2 * LIMITS.recordInlineBytesMax) {
    throw malformed("inline bytes");
  }
  try {
    return Uint8Array.fromBase64(json);
  } catch {
    throw malformed("inline bytes");
  }
}

function list(json: Json | undefined, countMax: number, what: string): readonly Json[] {
  if (isArray(json) && json.length <= countMax) return json;
  throw malformed(what);
}

/** What a bucket or a key may be called, and the order in which keys are listed. How a key lies on disk is key_path.ts's matter. */

import { S3Error, type S3ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const BUCKET_CHARACTERS = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const BUCKET_BAD_NEIGHBOURS = /\.\.|\.-|-\./;
const IPV4_FORM = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * Prefixes and suffixes that S3 keeps for itself. They are refused here too, because the SDKs treat such names as access
 * points or directory buckets and send their requests elsewhere. `amzn-s3-demo-` is reserved as well, but only so that
 * examples work for nobody: here they may work.
 */
const BUCKET_RESERVED =
  /^(xn--|sthree-)|(-s3alias|--ol-s3|--op-s3|--x-s3|--xa-s3|--table-s3|\.mrap)$/;

/** Whether `name` follows the rules of https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. */
export function isBucketName(name: string): boolean {
  return name.length >= LIMITS.bucketNameMin && isOperatorBucketName(name);
}

/**
 * Whether a bucket may have the name if the operator gave it, by a flag or by a folder in the data dir: as above, but one and
 * two characters are allowed too (`--buckets=ci`). Requests may name such a bucket; CreateBucket doesn't make one.
 */
export function isOperatorBucketName(name: string): boolean {
  return name.length <= LIMITS.bucketNameMax && BUCKET_CHARACTERS.test(name) &&
    !BUCKET_BAD_NEIGHBOURS.test(name) &&
    !IPV4_FORM.test(name) && !BUCKET_RESERVED.test(name);
}

/** Throws KeyTooLongError over 1024 bytes of UTF-8, InvalidArgument when empty, ill-formed or with a `..` path component. */
export function checkKey(key: string): void {
  const fault = findKeyFault(key);
  if (fault !== undefined) throw new S3Error(fault.code, { message: fault.message });
}

/** Whether `checkKey` accepts it. */
export function isKey(key: string): boolean {
  return findKeyFault(key) === undefined;
}

interface KeyFault {
  readonly code: S3ErrorCode;
  readonly message: string;
}

function findKeyFault(key: string): KeyFault | undefined {
  if (key === "") return invalidKey("An object key must not be empty.");
  if (!key.isWellFormed()) return invalidKey("An object key must be valid Unicode.");
  if (utf8Length(key) > LIMITS.keyBytesMax) {
    return { code: "KeyTooLongError", message: "Your key is too long." };
  }
  if (key.includes("..") && key.split("/").includes("..")) {
    return invalidKey('An object key must not have a path component "..".');
  }
  return undefined;
}

function invalidKey(message: string): KeyFault {
  return { code: "InvalidArgument", message };
}

/** Bytes that well-formed `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair stands for two of the four bytes.
    bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

/**
 * Negative, zero or positive as the UTF-8 bytes of `a` sort before, with or after those of `b`. That is code point order;
 * JavaScript's own is by UTF-16 units and puts all beyond U+FFFF (surrogates) before U+E000.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // A surrogate is half of a code point over U+FFFF, so it sorts after every unit that isn't one.
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/**
 * The least string that sorts after every string that starts with `prefix`; undefined when there is none ("" and runs of
 * U+10FFFF). Keys with the prefix are those k with prefix ≤ k < prefixEnd(prefix).
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    return points.join("") + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}

/** Of an object among all. */
export function objectId(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

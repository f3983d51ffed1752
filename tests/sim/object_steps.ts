/** What clients do with objects, over the ObjectStore seam: bodies that carry their version's id, read back and compared. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type {
  Body,
  ByteRange,
  ObjectInfo,
  ObjectMeta,
  ObjectStore,
  OpenObject,
  Target,
} from "../../src/storage/object_store.ts";
import type { Content, Contents } from "./contents.ts";
import { BrokenPromise } from "./history.ts";
import type { Version } from "./object_model.ts";

/** Of the parts that a larger body is uploaded in; S3 allows no smaller ones but the last. */
const PART_BYTES = 5 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const TAG = "tag";

export function metaOf({ id }: Content): ObjectMeta {
  return { headers: {}, user: { id }, tags: {}, acl: "private" };
}

export function tagsOf(tag: string): ObjectMeta["tags"] {
  return { [TAG]: tag };
}

export async function* bodyOf(bytes: Uint8Array): Body {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

export async function putContent(
  store: ObjectStore,
  target: Target,
  content: Content,
): Promise<ObjectInfo> {
  const { bytes } = content;
  const seal = () => metaOf(content);
  return await store.put({ ...target, body: bodyOf(bytes), sizeHint: bytes.length, seal });
}

/** At least one, all but the last of the least size that S3 allows. */
export function partsOf({ bytes }: Content): readonly Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  return Array.from(
    { length: count },
    (_, index) => bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
}

/** Reads the range, or all, and compares. Throws BrokenPromise when info and bytes aren't those of one version. */
export async function readContent(
  store: ObjectStore,
  target: Target,
  contents: Contents,
  rangeOf: (info: ObjectInfo) => ByteRange | undefined = () => undefined,
): Promise<Version> {
  using object = await store.open(target);
  const version = versionOf(object.info, contents);
  const range = rangeOf(object.info);
  const expected = contents.find(version.id)?.bytes ?? new Uint8Array();
  const { start, end } = range ?? { start: 0, end: expected.length - 1 };
  const found = await bytesOf(object, range);
  if (Buffer.compare(found, expected.subarray(start, end + 1)) !== 0) {
    throw new BrokenPromise(
      `${target.bucket}/${target.key}: ${found.length} bytes from ${start} on aren't those of ${version.id}`,
    );
  }
  return version;
}

/** The version that the info describes. Throws BrokenPromise when nobody wrote such a one. */
export function versionOf(info: ObjectInfo, contents: Contents): Version {
  const { bucket, key, meta, size, etag } = info;
  const id = meta.user["id"] ?? "";
  const content = contents.find(id);
  if (content === undefined) throw new BrokenPromise(`nobody wrote ${bucket}/${key}: id "${id}"`);
  const etags = etagsOf(content);
  if (size !== content.bytes.length || !etags.includes(etag)) {
    throw new BrokenPromise(
      `${bucket}/${key}: ${size} bytes with ETag ${etag} are not ${id}, which has ` +
        `${content.bytes.length} and ${etags.join(" or ")}`,
    );
  }
  return { id, tag: meta.tags[TAG] ?? "" };
}

/** That an object with the content may have: written in one piece, and uploaded in parts. */
export function etagsOf(content: Content): readonly string[] {
  return [content.md5, uploadedEtag(content)];
}

/** Of the object that its parts make: the MD5 of the parts' MD5s. */
function uploadedEtag(content: Content): string {
  const parts = partsOf(content);
  const hash = createHash("md5");
  for (const part of parts) hash.update(createHash("md5").update(part).digest());
  return `${hash.digest("hex")}-${parts.length}`;
}

async function bytesOf(object: OpenObject, range: ByteRange | undefined): Promise<Uint8Array> {
  const body = object.body(range);
  return body instanceof Uint8Array ? body : Buffer.concat(await Array.fromAsync(body));
}

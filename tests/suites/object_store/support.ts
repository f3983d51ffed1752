/** What the parts of the ObjectStore suite share: how a test gets its store, bodies, and short ways to say a request. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { assert, assertEquals, AssertionError, assertRejects } from "@std/assert";
import { S3Error, type S3ErrorCode } from "../../../src/errors.ts";
import type {
  Body,
  ByteRange,
  ListPosition,
  ListQuery,
  ObjectInfo,
  ObjectMeta,
  ObjectStore,
  OpenObject,
  PartInfo,
  PutRequest,
  Target,
  UploadInfo,
  UploadTarget,
} from "../../../src/storage/object_store.ts";

/** A store with no buckets, and whatever it takes to be rid of it again. */
export interface StoreFixture extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** What a store may be unable to do: most of it because the S3 protocol can't express it, and the store is reached over that. */
export type Capability =
  /** Buckets and uploads with any owner, also none. Over S3 they belong to whoever signs. */
  | "anyOwner"
  /** Any string as CORS configuration. Over S3 it is XML that is understood. */
  | "opaqueCors"
  /** The metadata of an unfinished upload. S3 never shows it. */
  | "uploadMeta"
  /** The numbers that an object's parts were put with, and their checksums when the object's own is of the whole. */
  | "partDetails"
  /** Conditional writes. A store without them refuses them all. */
  | "conditions"
  /** A range of a version that has been replaced. Over S3 a range is a request of its own. */
  | "pinnedRange";

export interface SuiteOptions {
  /** Capabilities that the store lacks, each with the reason. */
  readonly lacks?: Partial<Record<Capability, string>>;
  /** Whether one server serves all tests: reading its output goes on between them, which Deno would call a leak. */
  readonly isServerShared?: boolean;
}

export class Suite {
  readonly #name: string;
  readonly #open: () => Promise<StoreFixture>;
  readonly #options: SuiteOptions;

  constructor(name: string, open: () => Promise<StoreFixture>, options: SuiteOptions) {
    this.#name = name;
    this.#open = open;
    this.#options = options;
  }

  /** A test with a store of its own, empty. */
  test(name: string, run: (store: ObjectStore) => Promise<void>, needs?: Capability): void {
    Deno.test({
      name: `${this.#name}: ${name}`,
      ignore: needs !== undefined && this.#options.lacks?.[needs] !== undefined,
      sanitizeOps: this.#options.isServerShared !== true,
      fn: async () => {
        await using fixture = await this.#open();
        await run(fixture.store);
      },
    });
  }

  /** A test with a store of its own that has one bucket, named BUCKET. */
  testInBucket(name: string, run: (store: ObjectStore) => Promise<void>, needs?: Capability): void {
    this.test(name, async (store) => {
      await createBucket(store, BUCKET);
      await run(store);
    }, needs);
  }

  /** The same, of what a store that lacks the capability does instead; there is no such test for others. */
  testInBucketWithout(
    capability: Capability,
    name: string,
    run: (store: ObjectStore) => Promise<void>,
  ): void {
    if (this.#options.lacks?.[capability] !== undefined) this.testInBucket(name, run);
  }
}

export const BUCKET = "bucket";
export const MiB = 1024 * 1024;

export const PLAIN_META: ObjectMeta = { headers: {}, user: {}, tags: {}, acl: "private" };

export function at(key: string, bucket = BUCKET): Target {
  return { bucket, key };
}

export function createBucket(store: ObjectStore, bucket: string): Promise<void> {
  return store.createBucket(bucket, { owner: "minioadmin", acl: "private" });
}

export type BodyLike = string | Uint8Array | readonly Uint8Array[] | Body;

export function bodyOf(content: BodyLike): Body {
  if (typeof content === "string") return bodyOf([new TextEncoder().encode(content)]);
  if (content instanceof Uint8Array) return bodyOf([content]);
  return isIterable(content) ? passing(content) : content;
}

function isIterable(content: readonly Uint8Array[] | Body): content is readonly Uint8Array[] {
  return Symbol.iterator in content;
}

async function* passing(chunks: readonly Uint8Array[]): Body {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** Gives the chunks and then throws instead of ending. */
export async function* breakingBody(error: Error, chunks: readonly Uint8Array[]): Body {
  yield* passing(chunks);
  throw error;
}

export interface PutOptions extends Partial<Omit<PutRequest, "body" | "seal" | "key">> {
  readonly meta?: Partial<ObjectMeta>;
}

export function put(
  store: ObjectStore,
  key: string,
  content: BodyLike,
  { meta = {}, ...options }: PutOptions = {},
): Promise<ObjectInfo> {
  const seal = () => ({ ...PLAIN_META, ...meta });
  return store.put({ bucket: BUCKET, key, body: bodyOf(content), seal, ...options });
}

export async function readBytes(
  store: ObjectStore,
  target: Target,
  range?: ByteRange,
): Promise<Uint8Array> {
  using object = await store.open(target);
  return await bytesOf(object, range);
}

export async function bytesOf(object: OpenObject, range?: ByteRange): Promise<Uint8Array> {
  return new Uint8Array(await new Response(object.body(range)).arrayBuffer());
}

export async function readText(store: ObjectStore, key: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(store, at(key)));
}

export function md5Of(content: string | Uint8Array): string {
  return createHash("md5").update(content).digest("hex");
}

/** Bytes that don't repeat soon and differ by seed: a misplaced piece changes them. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

/** The value, which a test needs to be there. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AssertionError(`${what} is missing`);
  return value;
}

/** As assertEquals for long byte arrays, which it compares at speed and doesn't print. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, message = ""): void {
  assertEquals(actual.length, expected.length, `length ${message}`);
  assert(Buffer.compare(actual, expected) === 0, `bytes differ ${message}`);
}

/** As assertEquals for long lists of (long) names: says where they part instead of printing both. */
export function assertNames(
  actual: readonly string[],
  expected: readonly string[],
  message = "",
): void {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) {
    if (actual[i] === expected[i]) continue;
    const [found, wanted] = [actual[i], expected[i]].map((name) => shortened(JSON.stringify(name)));
    throw new AssertionError(`name ${i} is ${found} instead of ${wanted} ${message}`);
  }
}

/** `info` as a plain object: a store may give one that computes its properties. */
export function plain(info: ObjectInfo): ObjectInfo {
  const { bucket, key, size, etag, modifiedMs, meta, partCount } = info;
  return { bucket, key, size, etag, modifiedMs, meta, partCount };
}

/** Asserts that both describe one version of one object. */
export function assertSameInfo(actual: ObjectInfo, expected: ObjectInfo): void {
  assertEquals(plain(actual), plain(expected));
}

/** Asserts that the promise is rejected with an S3Error of one of the codes, and gives it. */
export async function assertCode(
  promise: Promise<unknown>,
  ...codes: readonly S3ErrorCode[]
): Promise<S3Error> {
  const error: S3Error = await assertRejects(() => promise, S3Error);
  assert(codes.includes(error.code), `${error.code} is none of ${codes.join(", ")}`);
  return error;
}

export const WHOLE_LIST: ListQuery = {
  prefix: "",
  delimiter: "",
  after: { kind: "start" },
  limit: 1000,
};

/** Keys and common prefixes of one page. */
export async function listNames(
  store: ObjectStore,
  query: Partial<ListQuery> = {},
): Promise<string[]> {
  const page = await store.list(BUCKET, { ...WHOLE_LIST, ...query });
  return page.entries.map((entry) => entry.kind === "object" ? entry.object.key : entry.prefix);
}

/** Keys and common prefixes of all pages, which are checked to be full but for the last. */
export async function listAllNames(
  store: ObjectStore,
  query: Partial<Omit<ListQuery, "after">>,
): Promise<string[]> {
  const full = { ...WHOLE_LIST, ...query };
  const names: string[] = [];
  let after: ListPosition | undefined = { kind: "start" };
  while (after !== undefined) {
    const page = await store.list(BUCKET, { ...full, after });
    names.push(
      ...page.entries.map((entry) => entry.kind === "object" ? entry.object.key : entry.prefix),
    );
    assert(page.next === undefined || page.entries.length === full.limit, "a page isn't full");
    after = page.next;
  }
  return names;
}

/** Gives timers and I/O their turn: a loop over calls that wait for nothing would keep it from them for ever. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

export function createUpload(
  store: ObjectStore,
  key: string,
  init: Partial<Pick<UploadInfo, "meta" | "checksum" | "initiator">> = {},
): Promise<UploadInfo> {
  const plain = { initiator: "minioadmin", meta: PLAIN_META, checksum: undefined };
  return store.createUpload({ bucket: BUCKET, key, ...plain, ...init });
}

export function putPart(
  store: ObjectStore,
  upload: UploadTarget,
  number: number,
  content: BodyLike,
  checksum?: PartInfo["checksum"],
): Promise<PartInfo> {
  const { bucket, key, uploadId } = upload;
  const seal = () => checksum;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const sizeHint = bytes instanceof Uint8Array ? { sizeHint: bytes.length } : {};
  return store.putPart({ bucket, key, uploadId, number, body: bodyOf(content), seal, ...sizeHint });
}

export function targetOf({ bucket, key, uploadId }: UploadTarget): UploadTarget {
  return { bucket, key, uploadId };
}

function shortened(text: string | undefined): string {
  if (text === undefined) return "missing";
  return text.length <= 60 ? text : `${text.slice(0, 60)}… (${text.length})`;
}

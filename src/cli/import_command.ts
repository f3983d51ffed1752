/**
 * `zs3 import`: what a standalone store holds, copied into another store as it is: bytes, metadata, ETags and times. The source
 * is only read. It can be stopped at any moment and run again.
 */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { EtagHash } from "../storage/etag_hash.ts";
import type {
  Body,
  BucketInfo,
  ObjectInfo,
  ObjectPart,
  ObjectStore,
  OpenObject,
  Target,
} from "../storage/object_store.ts";
import { allObjects } from "./all_objects.ts";
import { count } from "./count.ts";
import { oneLine } from "./one_line.ts";
import type { ProgressBar } from "./progress_bar.ts";
import { systemReason } from "./start_error.ts";

/** Where the objects go. What it throws ends the import, but for what a body throws. */
export interface ImportSink {
  /** Makes the bucket, or makes one that is there be as `info` says. */
  createBucket(info: BucketInfo): Promise<void>;
  /** Whether the key holds this very version: its ETag, size and time. An import that was stopped goes on after these. */
  hasObject(info: ObjectInfo): Promise<boolean>;
  /**
   * Makes the object as `info` says it is: ETag and time too. `parts` are those of one made by a multipart upload. Throws what
   * the body throws, and keeps nothing of it then.
   */
  importObject(
    info: ObjectInfo,
    parts: readonly ObjectPart[] | undefined,
    body: Body,
  ): Promise<void>;
}

export type ImportSource = Pick<ObjectStore, "listBuckets" | "list" | "open" | "findParts">;

/** Prints what can't be imported, and a summary, with `print`; returns the exit code: 0 when all is there, 1 when something isn't. */
export async function importStore(
  source: ImportSource,
  sink: ImportSink,
  bar: ProgressBar,
  print: (line: string) => void,
): Promise<number> {
  return await new Import(source, sink, bar, print).run();
}

/** An object that can't be imported as it was written. The others can. */
class ObjectProblem extends Error {}

class Import {
  readonly #source: ImportSource;
  readonly #sink: ImportSink;
  readonly #bar: ProgressBar;
  readonly #print: (line: string) => void;
  #bytesTotal = 0;
  /** Of all objects that were looked at. */
  #bytesDone = 0;
  #imported = 0;
  #importedBytes = 0;
  #there = 0;
  #problems = 0;

  constructor(
    source: ImportSource,
    sink: ImportSink,
    bar: ProgressBar,
    print: (line: string) => void,
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#bar = bar;
    this.#print = print;
  }

  async run(): Promise<number> {
    const buckets = await this.#source.listBuckets();
    for (const { name } of buckets) {
      for await (const { size } of allObjects(this.#source, name)) this.#bytesTotal += size;
    }
    for (const bucket of buckets) await this.#importBucket(bucket);
    this.#bar.erase();
    this.#print(this.#summary(buckets.length));
    return this.#problems === 0 ? 0 : 1;
  }

  /** Several objects at a time: a small one is waited for longer than it is worked at. */
  async #importBucket(bucket: BucketInfo): Promise<void> {
    await this.#sink.createBucket(bucket);
    const objects = allObjects(this.#source, bucket.name);
    const importNext = async () => {
      // Whoever throws ends the generator, and so the others too.
      for await (const object of objects) await this.#importObject(object);
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: LIMITS.importsAtOnce }, importNext),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #importObject(listed: ObjectInfo): Promise<void> {
    const name = `${listed.bucket}/${listed.key}`;
    try {
      if (await this.#sink.hasObject(listed)) this.#there++;
      else await this.#copy(listed);
    } catch (error) {
      if (!(error instanceof ObjectProblem)) throw error;
      this.#problems++;
      this.#bar.erase();
      this.#print(oneLine(`${name}: ${error.message}`));
    }
    this.#bytesDone += listed.size;
    this.#bar.show({ done: this.#bytesDone, total: this.#bytesTotal }, oneLine(name));
  }

  async #copy(target: Target): Promise<void> {
    using object = await asProblem(this.#source.open(target));
    const { info } = object;
    const parts = info.partCount === undefined
      ? undefined
      : await asProblem(this.#source.findParts(target));
    if (parts?.length !== info.partCount) {
      throw new ObjectProblem("it was changed meanwhile: run the import again");
    }
    await this.#sink.importObject(info, parts, this.#verifiedBody(object, parts));
    this.#imported++;
    this.#importedBytes += info.size;
  }

  /** Throws ObjectProblem instead of ending when the bytes aren't those that the ETag was made of. */
  async *#verifiedBody(object: OpenObject, parts: readonly ObjectPart[] | undefined): Body {
    const { etag, size, bucket, key } = object.info;
    const hash = new EtagHash(parts?.map((part) => part.size));
    let passed = 0;
    for await (const chunk of readAll(object)) {
      hash.update(chunk);
      passed += chunk.length;
      yield chunk;
      const done = this.#bytesDone + passed;
      this.#bar.show({ done, total: this.#bytesTotal }, oneLine(`${bucket}/${key}`));
    }
    // A large file that was put there by hand has an ETag that says nothing of its bytes.
    const isOfBytes = parts !== undefined || !etag.includes("-");
    if (passed !== size || (isOfBytes && hash.digest() !== etag)) {
      throw new ObjectProblem("its bytes aren't those that were written: zs3 check says more");
    }
  }

  #summary(buckets: number): string {
    const problems = this.#problems === 0 ? "no problems" : count(this.#problems, "problem");
    const there = this.#there === 0 ? "" : `, ${count(this.#there, "object")} there already`;
    return `imported ${count(this.#imported, "object")} of ${count(this.#importedBytes, "byte")} ` +
      `into ${count(buckets, "bucket")}${there}: ${problems}`;
  }
}

async function* readAll(object: OpenObject): Body {
  try {
    const body = object.body();
    if (body instanceof Uint8Array) yield body;
    else yield* body;
  } catch (error) {
    throw toProblem(error);
  }
}

async function asProblem<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw toProblem(error);
  }
}

function toProblem(error: unknown): ObjectProblem {
  const isGone = error instanceof S3Error && error.code === "NoSuchKey";
  return new ObjectProblem(
    isGone ? "it went away meanwhile" : `it can't be read: ${systemReason(error)}`,
    { cause: error },
  );
}

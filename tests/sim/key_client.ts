/**
 * A client that does everything that S3 lets one do with a few keys of one bucket, each time over any node, and writes down
 * what it was told.
 */

import type { S3ErrorCode } from "../../src/errors.ts";
import type {
  CompletedPart,
  ListPosition,
  ObjectInfo,
  Target,
  UploadTarget,
} from "../../src/storage/object_store.ts";
import { sleep } from "../../src/timers.ts";
import type { SeededRandom } from "../support/seed.ts";
import { type Answer, ask, type Patience } from "./asking.ts";
import type { Content, Contents } from "./contents.ts";
import type { Door, Doors } from "./door.ts";
import {
  BrokenPromise,
  type Caller,
  type History,
  type Pending,
  type Sequence,
} from "./history.ts";
import type { Listing } from "./listing_check.ts";
import type { KeyAction, Version } from "./object_model.ts";
import {
  bodyOf,
  metaOf,
  partsOf,
  putContent,
  readContent,
  tagsOf,
  versionOf,
} from "./object_steps.ts";

export type KeyStep =
  | "put"
  | "delete"
  | "get"
  | "range"
  | "head"
  | "tag"
  | "copy"
  | "list"
  | "upload";

export interface KeyWorld extends Patience {
  readonly bucket: string;
  /** ASCII. */
  readonly keys: readonly string[];
  /** What to do, each as often as it is named. */
  readonly steps: readonly KeyStep[];
  readonly doors: Doors;
  readonly contents: Contents;
  readonly history: History<KeyAction>;
  readonly listings: Listing[];
  readonly sequence: Sequence;
  /** How long a client waits between two steps, at most. */
  readonly thinkMsMax: number;
}

const LIST_LIMITS = [2, 3, 1000];
/** Of a copy whose source isn't known yet: nobody sees it under this id. */
const UNDECIDED_WRITE = { kind: "write", id: "" } as const;

export class KeyClient {
  readonly #name: string;
  readonly #world: KeyWorld;
  readonly #random: SeededRandom;
  #tags = 0;

  constructor(name: string, world: KeyWorld, random: SeededRandom) {
    this.#name = name;
    this.#world = world;
    this.#random = random;
  }

  /** Throws BrokenPromise when an answer is wrong by itself, and whatever a node throws that isn't for clients to see. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await sleep(this.#world.timers, this.#random.below(this.#world.thinkMsMax + 1));
      const door = this.#door();
      if (door !== undefined) await this.#step(this.#random.pick(this.#world.steps), door);
    }
  }

  /** Reads every key, and lists once. Throws BrokenPromise also when there is no answer. */
  async readAll(): Promise<void> {
    const { tally } = this.#world;
    for (const step of [...this.#world.keys.map((key) => ({ key })), "list"] as const) {
      const door = this.#door();
      const unanswered = tally.lost + tally.unavailable;
      if (door !== undefined) {
        await (step === "list" ? this.#list(door) : this.#read(door, step.key, "get"));
      }
      if (door === undefined || tally.lost + tally.unavailable > unanswered) {
        throw new BrokenPromise(`${this.#name} has no answer though all is well`);
      }
    }
  }

  #step(step: KeyStep, door: Door): Promise<void> {
    const key = this.#random.pick(this.#world.keys);
    switch (step) {
      case "put":
        return this.#put(door, key);
      case "delete":
        return this.#delete(door, key);
      case "get":
      case "range":
      case "head":
        return this.#read(door, key, step);
      case "tag":
        return this.#tag(door, key);
      case "copy":
        return this.#copy(door, key, this.#random.pick(this.#world.keys));
      case "list":
        return this.#list(door);
      case "upload":
        return this.#upload(door, key);
    }
  }

  async #put(door: Door, key: string): Promise<void> {
    const content = this.#world.contents.make();
    const pending = this.#call(door, key, { kind: "write", id: content.id });
    const answer = await ask(
      door,
      this.#world,
      (store) => putContent(store, this.#target(key), content),
    );
    this.#written(pending, content, answer);
  }

  async #delete(door: Door, key: string): Promise<void> {
    const pending = this.#call(door, key, { kind: "delete" });
    const answer = await ask(door, this.#world, (store) => store.delete(this.#target(key)));
    if (answer.kind === "refused") throw unexpected("delete", key, answer.code);
    if (answer.kind === "ok") pending.returned();
  }

  async #read(door: Door, key: string, step: "get" | "range" | "head"): Promise<void> {
    const { contents } = this.#world;
    const target = this.#target(key);
    const pending = this.#call(door, key, { kind: "read", seen: "nothing" });
    const answer = await ask(door, this.#world, async (store) => {
      if (step === "head") return versionOf(await store.head(target), contents);
      const rangeOf = step === "range" ? this.#rangeOf : undefined;
      return await readContent(store, target, contents, rangeOf);
    });
    if (answer.kind === "ok") pending.returned({ kind: "read", seen: answer.value });
    else if (answer.kind === "refused") this.#absent(pending, key, answer.code);
  }

  readonly #rangeOf = ({ size }: ObjectInfo) => {
    if (size === 0) return undefined;
    const start = this.#random.below(size);
    return { start, end: start + this.#random.below(size - start) };
  };

  async #tag(door: Door, key: string): Promise<void> {
    const tag = `${this.#name}-${++this.#tags}`;
    const pending = this.#call(door, key, { kind: "tag", tag, id: undefined });
    const answer = await ask(door, this.#world, async (store) => {
      const info = await store.update(this.#target(key), { tags: tagsOf(tag) });
      return versionOf(info, this.#world.contents);
    });
    if (answer.kind === "refused") this.#absent(pending, key, answer.code);
    else if (answer.kind === "ok") pending.returned({ kind: "tag", tag, id: answer.value.id });
  }

  /** A read of the source and a write, both from the call on: the store looks at both keys before it says what it found. */
  async #copy(door: Door, from: string, to: string): Promise<void> {
    const { contents } = this.#world;
    const read = this.#call(door, from, { kind: "read", seen: "nothing" });
    const write = this.#call(door, to, UNDECIDED_WRITE);
    let planned: { readonly source: Version; readonly content: Content } | undefined;
    const answer = await ask(door, this.#world, (store) =>
      store.copy({
        from: this.#target(from),
        to: this.#target(to),
        plan: (info) => {
          const source = versionOf(info, contents);
          const content = contents.copyOf(contentOf(contents, source));
          write.becomes({ kind: "write", id: content.id });
          planned = { source, content };
          return { meta: metaOf(content), checksum: "keep" };
        },
      }));
    if (answer.kind === "refused") {
      write.refused();
      this.#absent(read, from, answer.code);
    }
    if (answer.kind !== "ok") return;
    if (planned === undefined) throw new BrokenPromise(`${from} was copied without a plan`);
    read.returned({ kind: "read", seen: planned.source });
    this.#written(write, planned.content, answer);
  }

  /** One page, from a random place on. */
  async #list(door: Door): Promise<void> {
    const { bucket, keys, sequence, listings, contents } = this.#world;
    const start = this.#random.oneIn(2) ? "" : this.#random.pick(keys);
    const after: ListPosition = start === "" ? { kind: "start" } : { kind: "key", key: start };
    const query = { prefix: "", delimiter: "", after, limit: this.#random.pick(LIST_LIMITS) };
    const calledAt = sequence.next();
    const answer = await ask(door, this.#world, (store) => store.list(bucket, query));
    if (answer.kind === "refused") throw unexpected("list", bucket, answer.code);
    if (answer.kind !== "ok") return;
    const { entries, next } = answer.value;
    const objects = entries.flatMap((entry) => entry.kind === "object" ? [entry.object] : []);
    const last = next === undefined ? undefined : objects.at(-1)?.key;
    listings.push({
      ...this.#caller(door),
      calledAt,
      returnedAt: sequence.next(),
      covers: (key) => key > start && (last === undefined || key <= last),
      found: new Map(objects.map((info) => [info.key, versionOf(info, contents).id])),
    });
  }

  /** Each step over another node. One whose steps get no answer is left behind, as clients do. */
  async #upload(door: Door, key: string): Promise<void> {
    const content = this.#world.contents.make();
    const upload = await this.#begin(door, key, content);
    if (upload === undefined) return;
    if (this.#random.oneIn(4)) return await this.#abort(upload);
    const pending = this.#call(door, key, { kind: "write", id: content.id });
    const answer = await this.#complete(upload);
    if (answer !== undefined) this.#written(pending, content, answer);
  }

  /** An upload with all of its parts; undefined when an answer is missing. */
  async #begin(door: Door, key: string, content: Content): Promise<FullUpload | undefined> {
    const meta = metaOf(content);
    const init = { ...this.#target(key), initiator: "sim", meta, checksum: undefined };
    const created = await ask(door, this.#world, (store) => store.createUpload(init));
    if (created.kind === "refused") throw unexpected("createUpload", key, created.code);
    if (created.kind !== "ok") return undefined;
    const target = { ...this.#target(key), uploadId: created.value.uploadId };
    const parts: CompletedPart[] = [];
    for (const [index, bytes] of partsOf(content).entries()) {
      const request = { ...target, number: index + 1, sizeHint: bytes.length };
      const answer = await ask(
        this.#door() ?? door,
        this.#world,
        (store) => store.putPart({ ...request, body: bodyOf(bytes), seal: () => undefined }),
      );
      if (answer.kind === "refused") throw unexpected("putPart", key, answer.code);
      if (answer.kind !== "ok") return undefined;
      parts.push({ number: answer.value.number, etag: answer.value.etag });
    }
    return { target, parts };
  }

  /** Asks again once when there is no answer: that must give the same object. Undefined when it may have been completed. */
  async #complete({ target, parts }: FullUpload): Promise<Answer<ObjectInfo> | undefined> {
    let isRepeated = false;
    while (true) {
      const door = this.#door();
      if (door === undefined) return undefined;
      const answer = await ask(
        door,
        this.#world,
        (store) => store.completeUpload({ ...target, parts }),
      );
      if (answer.kind === "ok") return answer;
      if (answer.kind === "refused" && !isRepeated) {
        throw unexpected("completeUpload", target.key, answer.code);
      }
      if (isRepeated) return undefined;
      isRepeated = true;
    }
  }

  async #abort({ target }: FullUpload): Promise<void> {
    const door = this.#door();
    if (door === undefined) return;
    const answer = await ask(door, this.#world, (store) => store.abortUpload(target));
    if (answer.kind === "refused") throw unexpected("abortUpload", target.key, answer.code);
  }

  #written(pending: Pending<KeyAction>, content: Content, answer: Answer<ObjectInfo>): void {
    if (answer.kind === "refused") throw unexpected("write", content.id, answer.code);
    if (answer.kind !== "ok") return;
    const { id } = versionOf(answer.value, this.#world.contents);
    if (id !== content.id) throw new BrokenPromise(`the write of ${content.id} answered ${id}`);
    pending.returned();
  }

  #absent(pending: Pending<KeyAction>, key: string, code: S3ErrorCode): void {
    if (code !== "NoSuchKey") throw unexpected("read", key, code);
    pending.returned({ kind: "read", seen: "nothing" });
  }

  #call(door: Door, key: string, action: KeyAction): Pending<KeyAction> {
    return this.#world.history.call(key, this.#caller(door), action);
  }

  #caller({ node }: Door): Caller {
    return { client: this.#name, node };
  }

  #target(key: string): Target {
    return { bucket: this.#world.bucket, key };
  }

  #door(): Door | undefined {
    const doors = this.#world.doors();
    return doors.length === 0 ? undefined : this.#random.pick(doors);
  }
}

interface FullUpload {
  readonly target: UploadTarget;
  readonly parts: readonly CompletedPart[];
}

function contentOf(contents: Contents, { id }: Version): Content {
  const content = contents.find(id);
  if (content === undefined) throw new BrokenPromise(`nobody wrote ${id}`);
  return content;
}

/** The bucket is there, and nobody else uses the upload: no such refusal can be right. */
function unexpected(step: string, subject: string, code: S3ErrorCode): BrokenPromise {
  return new BrokenPromise(`${step} of ${subject} was refused with ${code}`);
}

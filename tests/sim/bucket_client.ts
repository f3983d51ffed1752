/** A client that makes and removes buckets of its own, each request over any node, and writes down what it was told. */

import type { S3ErrorCode } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/storage/object_store.ts";
import { sleep } from "../../src/timers.ts";
import type { SeededRandom } from "../support/seed.ts";
import { ask, type Patience } from "./asking.ts";
import type { BucketAction, BucketSight } from "./bucket_model.ts";
import type { Contents } from "./contents.ts";
import type { Door, Doors } from "./door.ts";
import { BrokenPromise, type History } from "./history.ts";
import { putContent, versionOf } from "./object_steps.ts";

export interface BucketWorld extends Patience {
  readonly doors: Doors;
  readonly contents: Contents;
  readonly history: History<BucketAction>;
  readonly thinkMsMax: number;
}

interface Step {
  /** What is taken to have happened while there is no answer. */
  readonly action: BucketAction;
  /** Carries it out, and gives what the answer tells beyond that it was done. */
  readonly run: (store: ObjectStore) => Promise<BucketSight | undefined>;
}

const KEY = "key";
const SIGHTS: Partial<Record<S3ErrorCode, BucketSight>> = {
  BucketAlreadyExists: "a bucket",
  BucketNotEmpty: "an object",
  NoSuchBucket: "no bucket",
  NoSuchKey: { object: undefined },
};

export class BucketClient {
  readonly #name: string;
  readonly #world: BucketWorld;
  readonly #random: SeededRandom;

  constructor(name: string, world: BucketWorld, random: SeededRandom) {
    this.#name = name;
    this.#world = world;
    this.#random = random;
  }

  /** Uses one bucket, named after the client. Throws as KeyClient.run does. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await sleep(this.#world.timers, this.#random.below(this.#world.thinkMsMax + 1));
      const doors = this.#world.doors();
      if (doors.length > 0) await this.#take(this.#step(), this.#random.pick(doors));
    }
  }

  async #take({ action, run }: Step, door: Door): Promise<void> {
    const caller = { client: this.#name, node: door.node };
    const pending = this.#world.history.call(this.#name, caller, action);
    const answer = await ask(door, this.#world, run);
    if (answer.kind === "ok") {
      pending.returned(answer.value && { kind: "see", what: answer.value });
    } else if (answer.kind === "refused") {
      const what = SIGHTS[answer.code];
      if (what === undefined) throw new BrokenPromise(`${this.#name}: ${answer.code}`);
      pending.returned({ kind: "see", what });
    } else if (action.kind === "remove") {
      this.#world.history.call(this.#name, caller, { kind: "take back" });
    }
  }

  #step(): Step {
    const bucket = this.#name;
    const target = { bucket, key: KEY };
    const content = this.#world.contents.make();
    const looking: BucketAction = { kind: "see", what: "a bucket" };
    const steps: readonly Step[] = [
      {
        action: { kind: "create" },
        run: (store) => told(store.createBucket(bucket, { owner: "sim", acl: "private" })),
      },
      { action: { kind: "remove" }, run: (store) => told(store.deleteBucket(bucket)) },
      {
        action: { kind: "write", id: content.id },
        run: (store) => told(putContent(store, target, content)),
      },
      { action: { kind: "delete" }, run: (store) => told(store.delete(target)) },
      {
        action: looking,
        run: async (store) => (await store.findBucket(bucket)) ? "a bucket" : "no bucket",
      },
      {
        action: looking,
        run: async (store) => {
          const names = (await store.listBuckets()).map(({ name }) => name);
          return names.includes(bucket) ? "a bucket" : "no bucket";
        },
      },
      {
        action: looking,
        run: async (store) => ({
          object: versionOf(await store.head(target), this.#world.contents).id,
        }),
      },
    ];
    return this.#random.pick(steps);
  }
}

async function told(done: Promise<unknown>): Promise<undefined> {
  await done;
}

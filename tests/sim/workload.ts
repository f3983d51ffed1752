/** All the clients of one run, and the judgement of all that they were told. Needs nothing of the cluster but its doors. */

import { sleep, type Timers } from "../../src/timers.ts";
import { ask, type Patience, Tally } from "./asking.ts";
import { BucketClient } from "./bucket_client.ts";
import { BUCKET_MODEL, type BucketAction, withoutBlind } from "./bucket_model.ts";
import { type ContentOptions, Contents } from "./contents.ts";
import type { Doors } from "./door.ts";
import { assertLinearizable, BrokenPromise, History, Sequence } from "./history.ts";
import { KeyClient, type KeyStep, type KeyWorld } from "./key_client.ts";
import { assertListing, type Listing } from "./listing_check.ts";
import { KEY_MODEL, type KeyAction, withoutUnseen } from "./object_model.ts";
import { randomFor } from "./sim_random.ts";

export interface WorkloadOptions {
  readonly seed: number;
  readonly doors: Doors;
  /** The clients' own: a right clock. */
  readonly timers: Timers;
  readonly clients: number;
  readonly stepsEach: number;
  readonly keys: readonly string[];
  readonly keySteps: readonly KeyStep[];
  readonly bodySizes: readonly number[];
  readonly bodyVariants?: ContentOptions["variants"];
  readonly thinkMsMax: number;
  /** How long a client waits for an answer. */
  readonly requestMsMax: number;
}

const KiB = 1024;

export const USUAL_WORKLOAD = {
  clients: 4,
  stepsEach: 60,
  keys: ["a", "b", "dir/a", "dir/b"],
  keySteps: [
    ...["put", "put", "put", "get", "get", "get", "head", "range"],
    ...["delete", "tag", "copy", "list", "list", "upload"],
  ] as readonly KeyStep[],
  // Inline, blocks, several blocks.
  bodySizes: [0, 10, 4 * KiB - 1, 4 * KiB, 20 * KiB, 20 * KiB, 1024 * KiB + 1],
  thinkMsMax: 400,
  requestMsMax: 10_000,
} as const satisfies Partial<WorkloadOptions>;

const BUCKET = "main";

export class Workload {
  readonly tally = new Tally();
  readonly contents: Contents;
  readonly #options: WorkloadOptions;
  readonly #keys: History<KeyAction>;
  readonly #buckets: History<BucketAction>;
  readonly #sequence = new Sequence();
  readonly #listings: Listing[] = [];

  constructor(options: WorkloadOptions) {
    const { seed, bodySizes, bodyVariants = 3, timers } = options;
    this.#options = options;
    const contentRandom = randomFor(seed, "contents");
    this.contents = new Contents({ sizes: bodySizes, variants: bodyVariants }, contentRandom);
    const startMs = timers.elapsed();
    const nowMs = () => timers.elapsed() - startMs;
    this.#keys = new History(this.#sequence, nowMs);
    this.#buckets = new History(this.#sequence, nowMs);
  }

  /** Makes the bucket that is there from then on. Asks until it is. */
  async prepare(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const [door] = this.#options.doors();
      const answer = door &&
        await ask(
          door,
          this.#patience,
          (store) => store.createBucket(BUCKET, { owner: "sim", acl: "private" }),
        );
      if (answer?.kind === "ok") return;
      if (answer?.kind === "refused" && answer.code === "BucketAlreadyExists") return;
      await sleep(this.#options.timers, 1000);
    }
    throw new BrokenPromise("the first bucket couldn't be made");
  }

  /** Resolves when all clients are done. */
  async run(): Promise<void> {
    const { seed, clients, stepsEach } = this.#options;
    const keyClients = Array.from({ length: clients }, (_, index) => {
      const name = `client-${index + 1}`;
      return new KeyClient(name, this.#keyWorld(), randomFor(seed, name));
    });
    const bucketClient = new BucketClient("buckets", {
      ...this.#patience,
      doors: this.#options.doors,
      contents: this.contents,
      history: this.#buckets,
      thinkMsMax: this.#options.thinkMsMax,
    }, randomFor(seed, "buckets"));
    await Promise.all([...keyClients, bucketClient].map((client) => client.run(stepsEach)));
  }

  /** Reads and lists everything once more over every node: to be done when the cluster is whole again. */
  async readAll(): Promise<void> {
    for (const door of this.#options.doors()) {
      const world = { ...this.#keyWorld(), doors: () => [door] };
      const reader = new KeyClient(`reader of ${door.node}`, world, randomFor(0, door.node));
      await reader.readAll();
    }
  }

  /** Throws BrokenPromise when the clients were told what can't have been. */
  check(): void {
    assertLinearizable(KEY_MODEL, this.#keys, withoutUnseen);
    assertLinearizable(BUCKET_MODEL, this.#buckets, withoutBlind);
    const entries = this.#keys.bySubject();
    for (const listing of this.#listings) assertListing(listing, entries);
  }

  get #patience(): Patience {
    const { timers, requestMsMax } = this.#options;
    return { timers, msMax: requestMsMax, tally: this.tally };
  }

  #keyWorld(): KeyWorld {
    const { keys, keySteps, doors, thinkMsMax } = this.#options;
    return {
      ...this.#patience,
      bucket: BUCKET,
      keys,
      steps: keySteps,
      doors,
      contents: this.contents,
      history: this.#keys,
      listings: this.#listings,
      sequence: this.#sequence,
      thinkMsMax,
    };
  }
}

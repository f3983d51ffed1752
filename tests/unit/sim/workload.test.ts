/** The clients and their judge, over stores that keep their promises and stores that break one: each must be found out. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { S3Error } from "../../../src/errors.ts";
import { MemoryStore } from "../../../src/storage/memory_store.ts";
import type {
  ListPage,
  ObjectInfo,
  ObjectStore,
  Target,
} from "../../../src/storage/object_store.ts";
import { ConnectionLost, type Door } from "../../sim/door.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { BrokenPromise } from "../../sim/history.ts";
import { assertAlike } from "../../sim/convergence.ts";
import { randomFor } from "../../sim/sim_random.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { USUAL_WORKLOAD, Workload } from "../../sim/workload.ts";
import type { SeededRandom } from "../../support/seed.ts";

const NODES = ["n1", "n2", "n3"];

interface Fakes {
  readonly loop: EventLoop;
  readonly timers: VirtualTimers;
  readonly random: SeededRandom;
  /** A right one, of its own. */
  newStore(): ObjectStore;
}

/** What each node answers with. */
type Faking = (fakes: Fakes) => (node: string) => ObjectStore;

interface Run {
  readonly workload: Workload;
  readonly doors: readonly Door[];
  readonly loop: EventLoop;
}

async function runClients(seed: number, faking: Faking, lossOneIn = 0): Promise<Run> {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  const random = randomFor(seed, "fakes");
  const newStore = () => new MemoryStore({ clock: timers, random });
  const storeOf = faking({ loop, timers, random, newStore });
  const doors = NODES.map((node) => doorTo(node, storeOf(node), loop, random, lossOneIn));
  const workload = new Workload({
    ...USUAL_WORKLOAD,
    bodySizes: [0, 100, 5000],
    seed,
    doors: () => doors,
    timers,
  });
  await loop.drive((async () => {
    await workload.prepare();
    await workload.run();
  })());
  return { workload, doors, loop };
}

/** Takes a while in both directions; loses requests and answers. */
function doorTo(
  node: string,
  store: ObjectStore,
  loop: EventLoop,
  random: SeededRandom,
  lossOneIn: number,
): Door {
  const isLost = () => lossOneIn > 0 && random.oneIn(lossOneIn);
  return {
    node,
    request: async (ask) => {
      await loop.sleep(random.below(20));
      if (isLost()) throw new ConnectionLost("the request was lost");
      if (isLost()) await loop.sleep(random.below(30_000));
      const value = await ask(store);
      await loop.sleep(random.below(20));
      if (isLost()) throw new ConnectionLost("the answer was lost");
      return value;
    },
  };
}

/** One right store behind all nodes, changed by `change`. */
function shared(change: (store: ObjectStore, fakes: Fakes) => Partial<ObjectStore>): Faking {
  return (fakes) => {
    const store = fakes.newStore();
    const changed = { ...bound(store), ...change(store, fakes) };
    return () => changed;
  };
}

/** The methods as properties, so that some can be replaced. */
function bound(store: ObjectStore): ObjectStore {
  return {
    conditionalWrites: store.conditionalWrites,
    listBuckets: () => store.listBuckets(),
    findBucket: (bucket) => store.findBucket(bucket),
    createBucket: (bucket, init) => store.createBucket(bucket, init),
    updateBucket: (bucket, patch) => store.updateBucket(bucket, patch),
    deleteBucket: (bucket) => store.deleteBucket(bucket),
    head: (target) => store.head(target),
    open: (target) => store.open(target),
    findParts: (target) => store.findParts(target),
    put: (request) => store.put(request),
    delete: (target, condition) => store.delete(target, condition),
    copy: (request) => store.copy(request),
    update: (target, patch) => store.update(target, patch),
    list: (bucket, query) => store.list(bucket, query),
    createUpload: (init) => store.createUpload(init),
    findUpload: (target) => store.findUpload(target),
    putPart: (request) => store.putPart(request),
    listParts: (target, after, limit) => store.listParts(target, after, limit),
    completeUpload: (request) => store.completeUpload(request),
    abortUpload: (target) => store.abortUpload(target),
    listUploads: (bucket, query) => store.listUploads(bucket, query),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Each breaks one promise now and then. */
const BROKEN: Record<string, Faking> = {
  "every node has its own objects": ({ newStore }) => {
    const stores = new Map(NODES.map((node) => [node, newStore()]));
    return (node) => stores.get(node) ?? newStore();
  },
  "an acknowledged write is lost": shared((store, { random }) => ({
    put: async (request) => {
      const info = await store.put(request);
      if (random.oneIn(8)) await store.delete(request);
      return info;
    },
  })),
  "a deletion is acknowledged and forgotten": shared((store, { random }) => ({
    delete: async (target) => {
      if (!random.oneIn(4)) await store.delete(target);
    },
  })),
  "a head shows what was there a while ago": shared((store, { random }) => {
    const last = new Map<string, ObjectInfo>();
    return {
      head: async (target: Target) => {
        const old = last.get(`${target.bucket}/${target.key}`);
        if (old !== undefined && random.oneIn(3)) return old;
        const info = await store.head(target);
        last.set(`${target.bucket}/${target.key}`, info);
        return info;
      },
    };
  }),
  "a list leaves out an object": shared((store, { random }) => ({
    list: async (bucket, query): Promise<ListPage> => {
      const page = await store.list(bucket, query);
      const left = random.oneIn(4) ? page.entries.slice(1) : page.entries;
      return { ...page, entries: left };
    },
  })),
  "bytes and metadata are of two versions": shared((store) => {
    let first: Uint8Array<ArrayBuffer> | undefined;
    return {
      open: async (target) => {
        const object = await store.open(target);
        const body = object.body();
        if (!(body instanceof Uint8Array)) return object;
        first ??= body;
        return { info: object.info, body: () => first ?? body, [Symbol.dispose]: () => {} };
      },
    };
  }),
  "a tag is lost": shared((store, { random }) => ({
    update: async (target, patch) =>
      random.oneIn(3) ? await store.head(target) : await store.update(target, patch),
  })),
  "a write beside another is acknowledged before it is visible": shared((store, { loop }) => ({
    put: async (request) => {
      const chunks = await Array.fromAsync(request.body);
      loop.after(200, () => void store.put({ ...request, body: stream(chunks) }).catch(() => {}));
      return await fakeInfo(store, request, chunks);
    },
  })),
  "an upload is forgotten": shared((store, { random }) => ({
    putPart: (request) =>
      random.oneIn(3) ? Promise.reject(new S3Error("NoSuchUpload")) : store.putPart(request),
  })),
  "a bucket goes with an object in it": shared((store) => ({
    deleteBucket: async (bucket) => {
      await store.delete({ bucket, key: "key" });
      await store.deleteBucket(bucket);
    },
  })),
  "a node has a fault": shared(() => ({
    head: () => Promise.reject(new TypeError("a bug")),
  })),
};

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** What a put of these would answer. */
async function fakeInfo(
  store: ObjectStore,
  request: Parameters<ObjectStore["put"]>[0],
  chunks: readonly Uint8Array[],
): Promise<ObjectInfo> {
  const aside = { ...request, key: "aside", body: stream(chunks) };
  const info = await store.put(aside);
  await store.delete(aside);
  return { ...info, key: request.key };
}

Deno.test("a store that keeps its promises passes, over a good and over a bad network", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const { workload, doors, loop } = await runClients(seed, shared(() => ({})), seed % 2 * 12);
    workload.check();
    const { tally } = workload;
    assert(tally.ok > 100 && tally.refused > 5, `${tally.ok} ok, ${tally.refused} refused`);
    assertEquals(tally.lost > 0, seed % 2 === 1);
    if (tally.lost === 0) {
      await loop.drive(workload.readAll());
      await loop.drive(assertAlike(doors, workload.contents));
      workload.check();
    }
  }
});

Deno.test("a store that breaks a promise is found out", async (t) => {
  for (const [name, faking] of Object.entries(BROKEN)) {
    await t.step(name, async () => {
      const error = await assertRejects(async () => {
        for (let seed = 1; seed <= 3; seed++) (await runClients(seed, faking)).workload.check();
      });
      assert(
        error instanceof (name === "a node has a fault" ? TypeError : BrokenPromise),
        `${error}`,
      );
    });
  }
});

Deno.test("the same seed gives the same run", async () => {
  const run = async () => {
    const { workload, loop } = await runClients(3, shared(() => ({})), 10);
    return [loop.nowMs, loop.events, { ...workload.tally }];
  };
  assertEquals(await run(), await run());
});

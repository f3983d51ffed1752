/** Bodies on their way into blocks. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { blake3Hex } from "../../../src/blake3.ts";
import {
  blockBytesFor,
  type BodyIntakeOptions,
  takeBody,
} from "../../../src/cluster/body_intake.ts";
import { Budget } from "../../../src/budget.ts";
import { S3Error } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/limits.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { bodyOf } from "./node_bench.ts";

const MiB = 1024 * 1024;
const LEASE_MS = 100_000;

class World {
  readonly loop = new EventLoop();
  readonly stored = new Map<string, number>();
  readonly renewals: (readonly string[])[] = [];
  open = 0;
  openMax = 0;
  store = (_hash: string): Promise<void> => Promise.resolve();
  missing: readonly string[] = [];
  readonly options: BodyIntakeOptions = {
    exchange: {
      store: async (hash, bytes) => {
        this.openMax = Math.max(this.openMax, ++this.open);
        try {
          assertEquals(blake3Hex(bytes), hash);
          await this.store(hash);
          this.stored.set(hash, bytes.length);
        } finally {
          this.open--;
        }
      },
      renew: (hashes) => {
        this.renewals.push(hashes);
        return Promise.resolve([...this.missing]);
      },
    },
    budget: new Budget(8 * MiB),
    timers: new VirtualTimers(this.loop),
    leaseMs: LEASE_MS,
    inlineBytes: LIMITS.recordInlineBytesMax,
  };

  /** Whether all of the budget is free again. */
  async isFree(): Promise<boolean> {
    let isGranted = false;
    const granting = this.options.budget.take(8 * MiB).then((grant) => {
      isGranted = true;
      grant[Symbol.dispose]();
    });
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    if (isGranted) await granting;
    return isGranted;
  }
}

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);
}

Deno.test("intake: a body is inline below the limit, and blocks from it on", async () => {
  const cases: [number, number[]][] = [
    [0, []],
    [1, []],
    [LIMITS.recordInlineBytesMax - 1, []],
    [LIMITS.recordInlineBytesMax, [LIMITS.recordInlineBytesMax]],
    [MiB - 1, [MiB - 1]],
    [MiB, [MiB]],
    [MiB + 1, [MiB, 1]],
    [2 * MiB, [MiB, MiB]],
  ];
  for (const [size, sizes] of cases) {
    const world = new World();
    const bytes = bytesOf(size);
    const cut = Math.floor(size / 3);
    const body = bodyOf(bytes.subarray(0, cut), new Uint8Array(), bytes.subarray(cut));
    const { content, digest } = await takeBody(body, size, world.options);
    assertEquals(content.blocks.map((block) => block.size), sizes, `of ${size}`);
    assertEquals(content.inline, sizes.length === 0 && size > 0 ? bytes : undefined);
    assertEquals(digest, { md5: createHash("md5").update(bytes).digest("hex"), size });
    for (const { hash } of content.blocks) assert(world.stored.has(hash));
    assert(await world.isFree());
  }
});

Deno.test("intake: larger bodies have larger blocks, and no list is too long", () => {
  const cases = [[undefined, 1], [0, 1], [64, 1], [65, 2], [256, 2], [257, 4], [1024 * 1024, 4]];
  for (const [mib, expected] of cases) {
    const size = mib === undefined ? undefined : mib * MiB;
    assertEquals(blockBytesFor(size), (expected ?? 0) * MiB, `${mib}`);
    assert((size ?? 0) / blockBytesFor(size) <= LIMITS.objectBlocksMax);
  }
});

Deno.test("intake: so many bytes are under way at once, and no more", async () => {
  for (const sizeHint of [undefined, 300 * MiB]) {
    const world = new World();
    world.store = () => new Promise((resolve) => world.loop.after(10, resolve));
    const body = bodyOf(...Array.from({ length: 12 }, () => bytesOf(MiB)));
    await world.loop.drive(takeBody(body, sizeHint, world.options));
    const blockBytes = blockBytesFor(sizeHint);
    assertEquals(world.openMax, LIMITS.blockBytesAtOncePerUpload / blockBytes);
  }
});

Deno.test("intake: a fault of the body or the store leaves nothing pending and no budget taken", async () => {
  async function* broken() {
    yield await Promise.resolve(bytesOf(2 * MiB));
    throw new S3Error("BadDigest");
  }
  const world = new World();
  world.store = () => new Promise((resolve) => world.loop.after(10, resolve));
  await assertRejects(
    () => world.loop.drive(takeBody(broken(), undefined, world.options)),
    S3Error,
  );
  assertEquals(world.open, 0);
  assert(await world.isFree());

  const full = new World();
  full.store = () => Promise.reject(new S3Error("StorageFull"));
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield await Promise.resolve(bytesOf(MiB));
    }
  }
  const error = await assertRejects(() => takeBody(endless(), undefined, full.options), S3Error);
  assertEquals(error.code, "StorageFull");
  assert(given < 10, `${given} chunks were taken after the fault`);
  assert(await full.isFree());
});

Deno.test("intake: blocks of a body that takes long are renewed before their lease ends", async () => {
  const world = new World();
  async function* slow() {
    for (let chunk = 0; chunk < 10; chunk++) {
      await world.loop.sleep(LEASE_MS / 5);
      yield bytesOf(MiB + chunk);
    }
  }
  const { heldSince, content } = await world.loop.drive(takeBody(slow(), undefined, world.options));
  assert(
    world.loop.nowMs - heldSince <= LEASE_MS / 2,
    `held since ${world.loop.nowMs - heldSince} ms`,
  );
  assert(world.renewals.length >= 4);
  const renewed = new Set(world.renewals.at(-1));
  assert(content.blocks.slice(0, 7).every(({ hash }) => renewed.has(hash)));
});

Deno.test("intake: a body whose first blocks are gone before its end fails", async () => {
  const world = new World();
  world.missing = ["a"];
  async function* slow() {
    for (let chunk = 0; chunk < 4; chunk++) {
      await world.loop.sleep(LEASE_MS / 2);
      yield bytesOf(MiB);
    }
  }
  const taking = world.loop.drive(takeBody(slow(), undefined, world.options));
  assertEquals((await assertRejects(() => taking, S3Error)).code, "ServiceUnavailable");
});

/** The thread that computes MD5 beside the main one: its program, and how it is started. */

import { MD5_BLOCK_BYTES } from "./md5_kernel.ts";
import type { Md5World } from "./md5_world.ts";

/** It posts a message when it is ready, and has ended when the world's `isStopped` is set and its bell rung. */
export function startMd5Thread(world: Md5World): Worker {
  const source = `(${runThread})(${MD5_BLOCK_BYTES})`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    const worker = new Worker(url, { type: "module", name: "md5" });
    worker.postMessage(world);
    return worker;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * The program of the thread. Its text is all that the thread gets, so that a worker takes 10 ms and a few MB where one that loads the
 * whole program takes 100 and 30: nothing from outside this function may be used in it.
 */
function runThread(blockBytes: number): void {
  const port = globalThis as unknown as Worker;
  /** Blocks hashed before another look at what else there is. */
  const blocksAtOnce = 512;

  port.onmessage = ({ data }: MessageEvent<Md5World>) => {
    const { memory, module, table, slots, bell, isStopped } = data;
    const words = new Int32Array(memory.buffer);
    const { md5x1, md5x2 } = new WebAssembly.Instance(module, { env: { memory } })
      .exports as Record<string, (...places: number[]) => void>;
    if (md5x1 === undefined || md5x2 === undefined) throw new Error("the module has no kernels");

    const head = (slot: number) => data.heads + slot * data.headBytes;
    const given = (slot: number) => Atomics.load(words, head(slot) / 4);
    const taken = (slot: number) => Atomics.load(words, head(slot) / 4 + 1);
    const state = (slot: number) => head(slot) + 8;
    const place = (slot: number) => taken(slot) * blockBytes % data.ringBytes;
    const message = (slot: number) => data.rings + slot * data.ringBytes + place(slot);
    const blocks = (slot: number) =>
      Math.min(
        given(slot) - taken(slot),
        (data.ringBytes - place(slot)) / blockBytes,
        blocksAtOnce,
      );
    const take = (slot: number, count: number) => {
      Atomics.add(words, head(slot) / 4 + 1, count);
      Atomics.notify(words, head(slot) / 4 + 1);
    };

    const single = (slot: number) => {
      const count = blocks(slot);
      md5x1(table, state(slot), message(slot), count);
      take(slot, count);
    };
    const pair = (one: number, other: number) => {
      const count = Math.min(blocks(one), blocks(other));
      md5x2(table, state(one), state(other), message(one), message(other), count);
      take(one, count);
      take(other, count);
    };

    port.postMessage("ready");
    while (Atomics.load(words, isStopped / 4) === 0) {
      const rung = Atomics.load(words, bell / 4);
      let alone: number | undefined;
      let isIdle = true;
      for (let slot = 0; slot < slots; slot++) {
        if (given(slot) === taken(slot)) continue;
        isIdle = false;
        if (alone === undefined) alone = slot;
        else {
          pair(alone, slot);
          alone = undefined;
        }
      }
      if (alone !== undefined) single(alone);
      if (isIdle) Atomics.wait(words, bell / 4, rung);
    }
    globalThis.close();
  };
}

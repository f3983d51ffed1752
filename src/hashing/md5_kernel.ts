/**
 * MD5 of one message, or of two in step: a step of MD5 waits for the one before it, so that two take hardly longer than one.
 * Emits the code; knows no messages. RFC 1321.
 */

import {
  type Code,
  getLocal,
  i32,
  repeat,
  setLocal,
  type WasmFunction,
  whileLoop,
} from "./wasm_code.ts";

export const MD5_BLOCK_BYTES = 64;

/** The state that a message begins with: words A, B, C, D. */
export const MD5_START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;

/** By what each step of the four rounds rotates. */
const ROTATIONS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const;

/** What every kernel adds in its steps. */
export function md5Table(): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: 64 }, (_, step) => Math.abs(Math.sin(step + 1)) * 2 ** 32);
}

/**
 * `md5xN(table, state…, message…, blocks)`: takes that many blocks of each message into its state of 16 bytes. Two at once are
 * hashed almost as fast as one; a third would find no more free registers.
 */
export function md5Kernel(messages: 1 | 2): WasmFunction {
  const [table, state] = [0, 1];
  const message = state + messages;
  const blocks = message + messages;
  const sums = (of: number) => blocks + 1 + 5 * of;
  const sum = (of: number) => sums(of) + 4;
  const word = (of: number, index: number) => i32.load(getLocal(message + of), 4 * index);
  const constant = (step: number) => i32.load(getLocal(table), 4 * step);
  const old = (of: number, index: number) => i32.load(getLocal(state + of), 4 * index);
  const eachSum = (code: (local: number, of: number, index: number) => Code) =>
    repeat(messages, (of) => repeat(4, (index) => code(sums(of) + index, of, index)));
  return {
    name: `md5x${messages}`,
    parameters: Array(blocks + 1).fill("i32"),
    results: [],
    locals: Array(5 * messages).fill("i32"),
    body: [
      eachSum((local, of, index) => setLocal(local, old(of, index))),
      whileLoop(getLocal(blocks), [
        repeat(
          64,
          (step) =>
            repeat(
              messages,
              (of) => md5Step(step, sums(of), sum(of), (index) => word(of, index), constant(step)),
            ),
        ),
        eachSum((local, of, index) => [
          setLocal(local, i32.add(getLocal(local), old(of, index))),
          i32.store(getLocal(state + of), getLocal(local), 4 * index),
        ]),
        repeat(messages, (of) => advance(message + of, MD5_BLOCK_BYTES)),
        advance(blocks, -1),
      ]),
    ],
  };
}

function advance(local: number, bytes: number): Code {
  return setLocal(local, i32.add(getLocal(local), i32.const(bytes)));
}

/** A sum = b + rotate(a + f(b, c, d) + word + constant). The four sums at `sums` go round instead of their values. */
function md5Step(
  step: number,
  sums: number,
  sum: number,
  word: (index: number) => Code,
  constant: Code,
): Code {
  const local = (index: number) => sums + (index + 64 - step) % 4;
  const [a, b, c, d] = [local(0), getLocal(local(1)), getLocal(local(2)), getLocal(local(3))];
  const round = step >> 4;
  const base = i32.add(constant, word(wordOfStep(step)), getLocal(a));
  const bits = i32.const(ROTATIONS[round]?.[step % 4] ?? 0);
  return [
    setLocal(sum, mix(round, base, b, c, d)),
    setLocal(a, i32.add(i32.rotate(getLocal(sum), bits), b)),
  ];
}

function wordOfStep(step: number): number {
  return ([step, 5 * step + 1, 3 * step + 5, 7 * step][step >> 4] ?? 0) % 16;
}

/** base + f(b, c, d). What needs b, which is the newest, comes last: the steps are a chain through it. */
function mix(round: number, base: Code, b: Code, c: Code, d: Code): Code {
  switch (round) {
    case 0:
      return i32.add(base, i32.xor(d, i32.and(b, i32.xor(c, d))));
    case 1:
      return i32.add(base, i32.and(c, not(d)), i32.and(b, d));
    case 2:
      return i32.add(base, i32.xor(c, d, b));
    default:
      return i32.add(base, i32.xor(c, i32.or(b, not(d))));
  }
}

function not(a: Code): Code {
  return i32.xor(a, i32.const(-1));
}

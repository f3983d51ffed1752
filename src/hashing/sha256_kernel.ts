/** SHA-256 in WebAssembly. Emits the code; knows no messages. FIPS 180-4. */

import {
  type Code,
  getLocal,
  i32,
  repeat,
  setLocal,
  type WasmFunction,
  whileLoop,
} from "./wasm_code.ts";

export const SHA256_BLOCK_BYTES = 64;

const STEPS = 64;
const WORDS = 16;
const SUMS = 8;

/** The words that a message begins with: the first 32 bits of the fractions of the square roots of the first primes. */
export const SHA256_START: Uint32Array<ArrayBuffer> = fractions(SUMS, Math.sqrt);

/** What each step adds: the same of cube roots. */
const CONSTANTS = fractions(STEPS, Math.cbrt);

// Parameters and locals, by index.
const STATE = 0;
const MESSAGE = 1;
const BLOCKS = 2;
const SUM = 3;
const WORD = SUM + SUMS;
const TEMP = WORD + WORDS;

/** `sha256(state, message, blocks)`: takes that many blocks into the state, eight words of the machine's own order. */
export function sha256Kernel(): WasmFunction {
  return {
    name: "sha256",
    parameters: ["i32", "i32", "i32"],
    results: [],
    locals: Array(SUMS + WORDS + 1).fill("i32"),
    body: whileLoop(getLocal(BLOCKS), [
      repeat(SUMS, (at) => setLocal(SUM + at, old(at))),
      repeat(WORDS, (at) => setLocal(WORD + at, bigEndian(i32.load(getLocal(MESSAGE), 4 * at)))),
      repeat(STEPS, step),
      repeat(
        SUMS,
        (at) => i32.store(getLocal(STATE), i32.add(getLocal(SUM + at), old(at)), 4 * at),
      ),
      setLocal(MESSAGE, i32.add(getLocal(MESSAGE), i32.const(SHA256_BLOCK_BYTES))),
      setLocal(BLOCKS, i32.sub(getLocal(BLOCKS), i32.const(1))),
    ]),
  };
}

function old(at: number): Code {
  return i32.load(getLocal(STATE), 4 * at);
}

/** The sums a to h go round instead of their values. */
function step(number: number): Code {
  const local = (index: number) => SUM + (index + STEPS - number) % SUMS;
  const [a, b, c, e, f, g] = [0, 1, 2, 4, 5, 6].map((index) => getLocal(local(index)));
  if (!a || !b || !c || !e || !f || !g) throw new RangeError("there are eight sums");
  const [d, h] = [local(3), local(7)];
  return [
    number < WORDS ? [] : nextWord(number),
    setLocal(
      TEMP,
      i32.add(
        getLocal(h),
        i32.const((CONSTANTS[number] ?? 0) | 0),
        getLocal(WORD + number % WORDS),
        i32.xor(g, i32.and(e, i32.xor(f, g))),
        i32.xor(right(e, 6), right(e, 11), right(e, 25)),
      ),
    ),
    setLocal(d, i32.add(getLocal(d), getLocal(TEMP))),
    setLocal(
      h,
      i32.add(
        getLocal(TEMP),
        i32.xor(i32.and(a, b), i32.and(c, i32.xor(a, b))),
        i32.xor(right(a, 2), right(a, 13), right(a, 22)),
      ),
    ),
  ];
}

/** Made of those 2, 7, 15 and 16 steps ago, in the place of the last. */
function nextWord(number: number): Code {
  const word = (ago: number) => getLocal(WORD + (number + WORDS - ago) % WORDS);
  return setLocal(
    WORD + number % WORDS,
    i32.add(
      word(16),
      word(7),
      i32.xor(right(word(15), 7), right(word(15), 18), i32.shr(word(15), i32.const(3))),
      i32.xor(right(word(2), 17), right(word(2), 19), i32.shr(word(2), i32.const(10))),
    ),
  );
}

function right(value: Code, bits: number): Code {
  return i32.rotate(value, i32.const(32 - bits));
}

/** A word with its bytes in the other order. */
function bigEndian(word: Code): Code {
  return [
    setLocal(TEMP, word),
    i32.or(
      i32.and(i32.rotate(getLocal(TEMP), i32.const(8)), i32.const(0x00ff00ff)),
      i32.and(i32.rotate(getLocal(TEMP), i32.const(24)), i32.const(0xff00ff00 | 0)),
    ),
  ];
}

/** The first 32 bits behind the point of the roots of the first primes. */
function fractions(count: number, root: (prime: number) => number): Uint32Array<ArrayBuffer> {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return Uint32Array.from(primes, (prime) => root(prime) % 1 * 2 ** 32);
}

/**
 * BLAKE3's compression of four inputs side by side, in the four words of SIMD registers: chunks of a message don't wait for each
 * other, nor do the nodes of one level of its tree. Emits the code; knows no trees. O'Connor et al., BLAKE3, 2020.
 */

import {
  type Code,
  getLocal,
  i32,
  repeat,
  setLocal,
  v128,
  type WasmFunction,
  whileLoop,
} from "./wasm_code.ts";

export const BLAKE3_FLAGS = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const;

const LANES = 4;
const BLOCK_BYTES = 64;
const IV = [
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
] as const;
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8] as const;
const ROUNDS = 7;
/** What each of a round's eight mixings takes: columns, then diagonals. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

// Parameters.
const INPUT = 0;
const STRIDE = 1;
const BLOCKS = 2;
const COUNTER = 3;
const COUNTER_STEP = 4;
const FIRST_FLAGS = 5;
const LAST_FLAGS = 6;
const LAST_BYTES = 7;
const OUT = 8;
const PARAMETERS = 9;
// Locals: addresses of the lanes, the flags of a block, then vectors.
const LANE = PARAMETERS;
const FLAGS = LANE + LANES;
const LENGTH = FLAGS + 1;
const CHAIN = LENGTH + 1;
const STATE = CHAIN + 8;
const MESSAGE = STATE + 16;
const COUNTERS = MESSAGE + 16;
const VECTORS = 8 + 16 + 16 + 1;

/**
 * `hash4(input, stride, blocks, counter, counterStep, firstFlags, lastFlags, lastBytes, out)`: hashes `blocks` (at least one) of 64
 * bytes at each of `input`, `input + stride`, … and puts four chaining values of 32 bytes to `out`. The flags are those of the first
 * and the last block, which has `lastBytes` (the rest of it must be zeros). What other bytes lie there is read before any is written.
 */
export function blake3Kernel(): WasmFunction {
  return {
    name: "hash4",
    parameters: Array(PARAMETERS).fill("i32"),
    results: [],
    locals: [...Array(LANES + 2).fill("i32"), ...Array(VECTORS).fill("v128")],
    body: [
      repeat(LANES, (lane) =>
        setLocal(
          LANE + lane,
          lane === 0 ? getLocal(INPUT) : i32.add(getLocal(LANE + lane - 1), getLocal(STRIDE)),
        )),
      repeat(8, (index) => setLocal(CHAIN + index, splatOf(IV[index] ?? 0))),
      setLocal(
        COUNTERS,
        v128.add(v128.splat(getLocal(COUNTER)), counterSteps()),
      ),
      setLocal(FLAGS, getLocal(FIRST_FLAGS)),
      setLocal(LENGTH, i32.const(BLOCK_BYTES)),
      whileLoop(getLocal(BLOCKS), [
        // Of the last block; `isAtMost` gives 1 or 0.
        setLocal(FLAGS, i32.or(getLocal(FLAGS), i32.and(lastMask(), getLocal(LAST_FLAGS)))),
        setLocal(
          LENGTH,
          i32.sub(
            i32.const(BLOCK_BYTES),
            i32.and(lastMask(), i32.sub(i32.const(BLOCK_BYTES), getLocal(LAST_BYTES))),
          ),
        ),
        repeat(4, loadWords),
        compress(),
        setLocal(FLAGS, i32.const(0)),
        repeat(
          LANES,
          (lane) => setLocal(LANE + lane, i32.add(getLocal(LANE + lane), i32.const(BLOCK_BYTES))),
        ),
        setLocal(BLOCKS, i32.sub(getLocal(BLOCKS), i32.const(1))),
      ]),
      repeat(2, storeChain),
    ],
  };
}

/** All ones in the last block, else zero. */
function lastMask(): Code {
  return i32.sub(i32.const(0), i32.isAtMost(getLocal(BLOCKS), i32.const(1)));
}

/** 0, 1, 2 and 3 steps. */
function counterSteps(): Code {
  const step = v128.splat(getLocal(COUNTER_STEP));
  return v128.mul(step, v128.const([0, 1, 2, 3]));
}

function splatOf(word: number): Code {
  return v128.const([word, word, word, word]);
}

/** Words 4n to 4n + 3 of the block, of all lanes. */
function loadWords(n: number): Code {
  return [
    repeat(
      LANES,
      (lane) => setLocal(MESSAGE + 4 * n + lane, v128.load(getLocal(LANE + lane), 16 * n)),
    ),
    // Free until the block is compressed.
    transpose(MESSAGE + 4 * n, STATE),
  ];
}

/** Rows of four words become columns; needs four vectors more. */
function transpose(rows: number, free: number): Code {
  const [a, b, c, d] = [0, 1, 2, 3].map((row) => getLocal(rows + row)) as [Code, Code, Code, Code];
  const low = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
  const high = low.map((byte) => byte + 8);
  const firstHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const secondHalves = firstHalves.map((byte) => byte + 8);
  const [ab, cd, abHigh, cdHigh] = [0, 1, 2, 3].map((index) => getLocal(free + index)) as [
    Code,
    Code,
    Code,
    Code,
  ];
  return [
    setLocal(free, v128.shuffle(a, b, low)),
    setLocal(free + 1, v128.shuffle(c, d, low)),
    setLocal(free + 2, v128.shuffle(a, b, high)),
    setLocal(free + 3, v128.shuffle(c, d, high)),
    setLocal(rows, v128.shuffle(ab, cd, firstHalves)),
    setLocal(rows + 1, v128.shuffle(ab, cd, secondHalves)),
    setLocal(rows + 2, v128.shuffle(abHigh, cdHigh, firstHalves)),
    setLocal(rows + 3, v128.shuffle(abHigh, cdHigh, secondHalves)),
  ];
}

function compress(): Code {
  return [
    repeat(8, (index) => setLocal(STATE + index, getLocal(CHAIN + index))),
    repeat(4, (index) => setLocal(STATE + 8 + index, splatOf(IV[index] ?? 0))),
    setLocal(STATE + 12, getLocal(COUNTERS)),
    setLocal(STATE + 13, splatOf(0)), // a block store's messages never have 2^32 chunks
    setLocal(STATE + 14, v128.splat(getLocal(LENGTH))),
    setLocal(STATE + 15, v128.splat(getLocal(FLAGS))),
    rounds(),
    repeat(8, (index) =>
      setLocal(
        CHAIN + index,
        v128.xor(getLocal(STATE + index), getLocal(STATE + 8 + index)),
      )),
  ];
}

function rounds(): Code {
  let order = Array.from({ length: 16 }, (_, index) => index);
  return repeat(ROUNDS, () => {
    const words = order;
    order = PERMUTATION.map((from) => words[from] ?? 0);
    return QUARTERS.map((quarter, index) =>
      mix(quarter, MESSAGE + (words[2 * index] ?? 0), MESSAGE + (words[2 * index + 1] ?? 0))
    );
  });
}

function mix(
  [first, second, third, fourth]: readonly [number, number, number, number],
  x: number,
  y: number,
): Code {
  const [a, b, c, d] = [STATE + first, STATE + second, STATE + third, STATE + fourth] as const;
  const half = (word: number, bitsOfD: number, bitsOfB: number): Code => [
    setLocal(a, v128.add(getLocal(a), getLocal(b), getLocal(word))),
    setLocal(d, v128.xor(getLocal(d), getLocal(a))),
    setLocal(d, rotate(d, bitsOfD)),
    setLocal(c, v128.add(getLocal(c), getLocal(d))),
    setLocal(b, v128.xor(getLocal(b), getLocal(c))),
    setLocal(b, rotate(b, bitsOfB)),
  ];
  return [half(x, 16, 12), half(y, 8, 7)];
}

/** To the right, in each word: by shifts, since the masks of shuffles of bytes cost an engine more. */
function rotate(vector: number, bits: number): Code {
  const v = getLocal(vector);
  return v128.or(v128.shr(v, i32.const(bits)), v128.shl(v, i32.const(32 - bits)));
}

/** Words 4n to 4n + 3 of the chaining values, of all lanes. */
function storeChain(n: number): Code {
  return [
    transpose(CHAIN + 4 * n, STATE),
    repeat(
      LANES,
      (lane) => v128.store(getLocal(OUT), getLocal(CHAIN + 4 * n + lane), 32 * lane + 16 * n),
    ),
  ];
}

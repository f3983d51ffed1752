/**
 * CRCs of up to 64 bits: each word of eight bytes is moved on by eight lookups, and four words side by side, so that none waits for
 * the one before it ("braids": Kadatch and Jenkins, Everything we know about CRC but afraid to forget, 2010). Emits the code and its
 * tables; bit-reversed CRCs only.
 */

import {
  type Code,
  getLocal,
  i32,
  i64,
  repeat,
  setLocal,
  type WasmFunction,
  whileLoop,
} from "./wasm_code.ts";

const WORD_BYTES = 8;
const BRAIDS = 4;
const STRIDE_BYTES = WORD_BYTES * BRAIDS;
const TABLE_BYTES = 256 * 8;
const SET_BYTES = WORD_BYTES * TABLE_BYTES;

/** At the beginning of the memory: tables that move a word on by itself, then tables that move it on by all braids. */
export const CRC_TABLES_BYTES = 2 * SET_BYTES;

/** For a bit-reversed polynomial without its leading term. */
export function crcTables(polynomial: bigint): BigUint64Array<ArrayBuffer> {
  const tables = new BigUint64Array(CRC_TABLES_BYTES / 8);
  const single = Array.from({ length: 256 }, (_, byte) => {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 0n ? crc >> 1n : (crc >> 1n) ^ polynomial;
    }
    return crc;
  });
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    // Of a stride's bytes the last is moved on by one byte, the first by all.
    for (let place = STRIDE_BYTES - 1; place >= 0; place--) {
      crc = (single[Number(crc & 255n)] ?? 0n) ^ (crc >> 8n);
      const inWord = place - (STRIDE_BYTES - WORD_BYTES);
      if (inWord >= 0) tables[inWord * 256 + byte] = crc;
      if (place < WORD_BYTES) tables[(WORD_BYTES + place) * 256 + byte] = crc;
    }
  }
  return tables;
}

// Parameters and locals, by index.
const CRC = 0;
const FROM = 1;
const TO = 2;
const BRAID = 3;
const WORD = BRAID + BRAIDS;

/** `crc(state, from, to)`: the state with the bytes in between taken in. */
export function crcKernel(): WasmFunction {
  return {
    name: "crc",
    parameters: ["i64", "i32", "i32"],
    results: ["i64"],
    locals: Array(BRAIDS + 1).fill("i64"),
    body: [
      whileLoop(hasLeft(2 * STRIDE_BYTES), takeStrides()),
      whileLoop(hasLeft(WORD_BYTES), [
        moveWord(i64.xor(getLocal(CRC), i64.load(getLocal(FROM))), 0, CRC),
        advance(WORD_BYTES),
      ]),
      whileLoop(hasLeft(1), [
        setLocal(WORD, i64.xor(getLocal(CRC), i64.loadByte(getLocal(FROM)))),
        setLocal(CRC, i64.xor(entry(WORD_BYTES - 1, 0), i64.shr(getLocal(CRC), i64.const(8n)))),
        advance(1),
      ]),
      getLocal(CRC),
    ],
  };
}

/** Takes all whole strides; the last one's words are moved on one by one, which brings the braids together. */
function takeStrides(): Code {
  const word = (braid: number) => i64.load(getLocal(FROM), WORD_BYTES * braid);
  return [
    setLocal(BRAID, getLocal(CRC)),
    repeat(BRAIDS - 1, (index) => setLocal(BRAID + 1 + index, i64.const(0n))),
    whileLoop(hasLeft(2 * STRIDE_BYTES), [
      repeat(BRAIDS, (index) => {
        const braid = BRAID + index;
        return moveWord(i64.xor(getLocal(braid), word(index)), SET_BYTES, braid);
      }),
      advance(STRIDE_BYTES),
    ]),
    setLocal(CRC, i64.const(0n)),
    repeat(BRAIDS, (index) => {
      const braid = getLocal(BRAID + index);
      return moveWord(i64.xor(getLocal(CRC), braid, word(index)), 0, CRC);
    }),
    advance(STRIDE_BYTES),
  ];
}

/** Moves `word` on by the tables at `set`, into the local `to`. */
function moveWord(word: Code, set: number, to: number): Code {
  const entryOf = (place: number) => entry(place, place, set);
  const rest = Array.from({ length: WORD_BYTES - 1 }, (_, index) => entryOf(index + 1));
  return [setLocal(WORD, word), setLocal(to, i64.xor(entryOf(0), ...rest))];
}

/** Of the table at `set`, for the byte at `place` of WORD. */
function entry(table: number, place: number, set = 0): Code {
  const offset = place === 0
    ? i32.shl(i32.ofLong(getLocal(WORD)), i32.const(3))
    : i32.ofLong(i64.shr(getLocal(WORD), i64.const(BigInt(8 * place - 3))));
  return i64.load(i32.and(offset, i32.const(255 * 8)), set + TABLE_BYTES * table);
}

function hasLeft(bytes: number): Code {
  return i32.isAtMost(i32.add(getLocal(FROM), i32.const(bytes)), getLocal(TO));
}

function advance(bytes: number): Code {
  return setLocal(FROM, i32.add(getLocal(FROM), i32.const(bytes)));
}

/**
 * The CRC of joined pieces from the pieces' CRCs: algebra over GF(2), no bytes. A CRC is a polynomial modulo the generator;
 * appending n bytes to what it was taken of multiplies it by x^8n.
 */

/** A reflected CRC whose register starts, and ends inverted, as all ones (as all of S3's do). */
export interface CrcKind {
  readonly widthBits: number;
  /** Bit-reversed, without the leading term. */
  readonly polynomial: bigint;
}

export interface CrcPiece {
  readonly crc: bigint;
  readonly size: number;
}

/** CRC of the pieces in a row; 0 for none. Pieces of the same size as the one before (as parts have) cost the least. */
export function combineCrcs(kind: CrcKind, pieces: readonly CrcPiece[]): bigint {
  const squares: bigint[] = [one(kind) >> 8n];
  let combined = 0n;
  let shift = { size: 0, factor: one(kind) };
  for (const { crc, size } of pieces) {
    if (size !== shift.size) shift = { size, factor: powerOfBytes(kind, size, squares) };
    combined = multiply(kind, combined, shift.factor) ^ crc;
  }
  return combined;
}

/** x^(8 · size). `squares[k]` is x^(8 · 2^k): grown when needed. */
function powerOfBytes(kind: CrcKind, size: number, squares: bigint[]): bigint {
  let power = one(kind);
  let square = one(kind) >> 8n;
  for (let k = 0, rest = size; rest > 0; k++, rest = Math.floor(rest / 2)) {
    square = squares[k] ??= multiply(kind, square, square);
    if (rest % 2 === 1) power = multiply(kind, power, square);
  }
  return power;
}

/** a · b modulo the generator. Reflected: the highest bit is x^0. */
function multiply(kind: CrcKind, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = one(kind); bit !== 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ kind.polynomial;
  }
  return product;
}

/** The polynomial 1. */
function one(kind: CrcKind): bigint {
  return 1n << BigInt(kind.widthBits - 1);
}

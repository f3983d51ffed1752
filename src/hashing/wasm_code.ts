/**
 * A small emitter of WebAssembly: as much of the binary format as the hash kernels need, in functions that give the code of expressions;
 * and what makes it run.
 */

/** Instructions, nested as they were put together. An expression leaves one value on the stack, a statement none. */
export type Code = number | readonly Code[];

export type ValueType = "i32" | "i64" | "v128";

/** What the size of a memory is counted in. */
export const PAGE_BYTES = 65_536;

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

export const getLocal = (index: number): Code => [0x20, unsigned(index)];
export const setLocal = (index: number, value: Code): Code => [value, 0x21, unsigned(index)];

export const i32 = {
  const: (value: number): Code => [0x41, signed(BigInt(value))],
  load: load([0x28, 2]),
  store: store([0x36, 2]),
  isAtMost: binary(0x4d),
  add: binary(0x6a),
  sub: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shr: binary(0x76),
  rotate: binary(0x77),
  ofLong: (a: Code): Code => [a, 0xa7],
};

export const i64 = {
  const: (value: bigint): Code => [0x42, signed(value)],
  load: load([0x29, 3]),
  loadByte: load([0x31, 0]),
  xor: binary(0x85),
  shr: binary(0x88),
};

/** Four words side by side. */
export const v128 = {
  /** The lowest word first. */
  const: (words: readonly [number, number, number, number]): Code => [
    0xfd,
    0x0c,
    [...new Uint8Array(Uint32Array.from(words).buffer)],
  ],
  load: load([0xfd, 0x00, 0]),
  store: store([0xfd, 0x0b, 0]),
  /** Bytes of `a` (0 to 15) and `b` (16 to 31), in the order given. */
  shuffle: (a: Code, b: Code, bytes: readonly number[]): Code => [a, b, 0xfd, 0x0d, bytes],
  splat: (word: Code): Code => [word, 0xfd, 0x11],
  or: binary([0xfd, 0x50]),
  xor: binary([0xfd, 0x51]),
  /** Of words. */
  add: binary([0xfd, 0xae, 0x01]),
  mul: binary([0xfd, 0xb5, 0x01]),
  shl: binary([0xfd, 0xab, 0x01]),
  shr: binary([0xfd, 0xad, 0x01]),
};

/** The code of each index below `count`, in a row. */
export function repeat(count: number, code: (index: number) => Code): Code {
  return Array.from({ length: count }, (_, index) => code(index));
}

/** Runs `body` as long as `condition` isn't 0. */
export function whileLoop(condition: Code, body: Code): Code {
  return [0x02, 0x40, 0x03, 0x40, condition, 0x45, 0x0d, 1, body, 0x0c, 0, 0x0b, 0x0b];
}

/** A module of `functions`, all exported, over the shared memory of `pages` that it imports as `env.memory`. */
export function encodeModule(
  functions: readonly WasmFunction[],
  pages: number,
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, results }) => [
    0x60,
    vector(parameters.map((type) => TYPES[type])),
    vector(results.map((type) => TYPES[type])),
  ]);
  const memory = [name("env"), name("memory"), 2, 3, unsigned(pages), unsigned(pages)];
  return Uint8Array.from(flatten([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, types),
    section(2, [memory]),
    section(3, functions.map((_, index) => unsigned(index))),
    section(7, functions.map((f, index) => [name(f.name), 0, unsigned(index)])),
    section(10, functions.map(encodeBody)),
  ]));
}

/** Memory for a module: of as many pages as it will ever have. */
export function openMemory(pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** The compiled function, over the memory, which must come from `openMemory`. */
export function openFunction(source: WasmFunction, memory: WebAssembly.Memory): CallableFunction {
  const module = new WebAssembly.Module(
    encodeModule([source], memory.buffer.byteLength / PAGE_BYTES),
  );
  return new WebAssembly.Instance(module, { env: { memory } })
    .exports[source.name] as CallableFunction;
}

const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const satisfies Record<ValueType, number>;

function encodeBody({ locals, body }: WasmFunction): Code {
  return sized([vector(locals.map((type) => [1, TYPES[type]])), body, 0x0b]);
}

function section(id: number, entries: readonly Code[]): Code {
  return [id, sized(vector(entries))];
}

function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}

function vector(entries: readonly Code[]): Code {
  return [unsigned(entries.length), entries];
}

function name(text: string): Code {
  return vector([...new TextEncoder().encode(text)]);
}

function flatten(code: Code, bytes: number[] = []): number[] {
  if (typeof code === "number") bytes.push(code);
  else for (const part of code) flatten(part, bytes);
  return bytes;
}

/** Of two operands, or of more from left to right. */
function binary(opcode: Code): (first: Code, ...rest: readonly Code[]) => Code {
  return (first, ...rest) => [first, rest.map((operand) => [operand, opcode])];
}

function load(opcode: Code): (address: Code, offset?: number) => Code {
  return (address, offset = 0) => [address, opcode, unsigned(offset)];
}

function store(opcode: Code): (address: Code, value: Code, offset?: number) => Code {
  return (address, value, offset = 0) => [address, value, opcode, unsigned(offset)];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? value : [value % 0x80 | 0x80, unsigned(Math.floor(value / 0x80))];
}

function signed(value: bigint): Code {
  const low = Number(BigInt.asUintN(7, value));
  const rest = value >> 7n;
  return rest === (low < 0x40 ? 0n : -1n) ? low : [low | 0x80, signed(rest)];
}

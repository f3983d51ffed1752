/** The bytes of a request or reply, as many as its head said, and no more than that are ever held. */

import { openReader } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import { orAborted } from "./deadline.ts";

/** A Request or a Response. */
export type Incoming = Pick<Request, "headers" | "body" | "arrayBuffer">;

/**
 * Exactly `length` bytes. undefined when there are more or fewer, or the connection breaks, or is still going on when the signal
 * is aborted: the caller can ask the signal. What isn't read is cancelled.
 */
export async function findBytes(
  incoming: Incoming,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (signal.aborted) return undefined;
  try {
    const isShort = length <= LIMITS.peerReadWholeBytesMax &&
      incoming.headers.get("content-length") === String(length);
    const bytes = isShort
      ? await readWhole(incoming, signal)
      : await readPieces(incoming.body, length, signal);
    return bytes?.length === length && !signal.aborted ? bytes : undefined;
  } catch {
    return undefined; // the connection's end, or the abort
  }
}

/**
 * Saves some 45 µs of a call's round trip on each side, but can't be cancelled: so it is for what its declared length, which
 * HTTP/1.1 enforces, makes harmless.
 */
async function readWhole(
  incoming: Incoming,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await orAborted(incoming.arrayBuffer(), signal));
}

async function readPieces(
  stream: Incoming["body"],
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (stream === null) return undefined;
  const reader = openReader(stream);
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await (reader instanceof ReadableStreamBYOBReader
      ? fill(reader, length)
      : collect(reader, length));
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Into one piece of memory from the start: nothing is held in pieces or copied. */
async function fill(
  reader: ReadableStreamBYOBReader,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let memory = new ArrayBuffer(length);
  for (let filled = 0; filled < length;) {
    const { done, value } = await reader.read(new Uint8Array(memory, filled));
    if (done || value === undefined) return undefined;
    memory = value.buffer;
    filled += value.byteLength;
  }
  const { done } = await reader.read(new Uint8Array(1));
  return done ? new Uint8Array(memory) : undefined;
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, filled);
    if (filled + value.length > length) return undefined;
    bytes.set(value, filled);
    filled += value.length;
  }
}

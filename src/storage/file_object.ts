/** An object of the FileStore held open: the bytes of one version from memory or from its file. */

import { LIMITS } from "../limits.ts";
import type { OpenFile } from "./files.ts";
import type { ByteRange, ObjectInfo, OpenObject } from "./object_store.ts";

/** An object whose bytes are at hand. */
export function openBytes(info: ObjectInfo, bytes: Uint8Array<ArrayBuffer>): OpenObject {
  return {
    info,
    body: (range) => range === undefined ? bytes : bytes.subarray(range.start, range.end + 1),
    [Symbol.dispose]: () => {},
  };
}

/** Takes over the file. */
export function openFileObject(info: ObjectInfo, file: OpenFile): OpenObject {
  return new FileObject(info, file);
}

class FileObject implements OpenObject {
  readonly info: ObjectInfo;
  readonly #file: OpenFile;
  #isHandedOver = false;

  constructor(info: ObjectInfo, file: OpenFile) {
    this.info = info;
    this.#file = file;
  }

  body(range?: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> {
    const start = range?.start ?? 0;
    const size = (range?.end ?? this.info.size - 1) - start + 1;
    if (size <= LIMITS.readWholeBytesMax) return readSlice(this.info, this.#file, start, size);
    const stream = size === this.info.size
      ? this.#file.stream()
      : readStream(this.#file, start, size);
    this.#isHandedOver = true;
    return stream;
  }

  [Symbol.dispose](): void {
    if (!this.#isHandedOver) this.#file.close();
  }
}

/** All bytes of a small object. Takes over the file. */
export function readWhole(info: ObjectInfo, file: OpenFile): Uint8Array<ArrayBuffer> {
  return readSlice(info, file, 0, info.size);
}

/** In one turn: for small bodies a thread hop costs ten times the read. Closes the file. */
function readSlice(
  info: ObjectInfo,
  file: OpenFile,
  start: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  using _closed = file;
  const bytes = new Uint8Array(size);
  if (start > 0) file.seekSync(start);
  for (let at = 0; at < size;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === 0) {
      throw new Error(
        `the file of ${info.bucket}/${info.key} has become shorter while it was read`,
      );
    }
    at += count;
  }
  return bytes;
}

function readStream(
  file: OpenFile,
  start: number,
  size: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  file.seekSync(start);
  let left = size;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(left, LIMITS.readBytesAtOnce));
      const count = await file.read(buffer);
      if (count === 0) {
        file.close();
        controller.error(new Error("the file has become shorter while it was read"));
        return;
      }
      left -= count;
      controller.enqueue(buffer.subarray(0, count));
      if (left > 0) return;
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

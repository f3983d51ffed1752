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
    if (size <= LIMITS.readWholeBytesMax) return this.#readWhole(start, size);
    const stream = size === this.info.size
      ? this.#file.stream()
      : readStream(this.#file, start, size);
    this.#isHandedOver = true;
    return stream;
  }

  [Symbol.dispose](): void {
    if (!this.#isHandedOver) this.#file.close();
  }

  /** In one turn: for small bodies a thread hop costs ten times the read. */
  #readWhole(start: number, size: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(size);
    if (start > 0) this.#file.seekSync(start);
    for (let at = 0; at < size;) {
      const count = this.#file.readSync(bytes.subarray(at));
      if (count === 0) throw fileIsShort(this.info);
      at += count;
    }
    this.#file.close();
    return bytes;

    function fileIsShort(info: ObjectInfo): Error {
      return new Error(
        `the file of ${info.bucket}/${info.key} has become shorter while it was read`,
      );
    }
  }
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

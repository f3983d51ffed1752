/** A place in a stream of bytes from which lines and runs of bytes are taken, however the stream is cut into chunks. */

import { Buffer } from "node:buffer";
import { S3Error } from "../errors.ts";

const LINE_FEED = 0x0a;
const NOTHING = new Uint8Array(0);

export interface ByteSource {
  /** The next bytes, at least one; undefined at the end. `spare` was read before and is no longer needed: it may be overwritten. */
  read(spare?: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Holds one chunk at a time. All methods throw IncompleteBody where the stream ends too early or doesn't hold what is asked for. */
export class ByteCursor {
  readonly #source: ByteSource;
  #chunk: Uint8Array = NOTHING;
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The text up to the next CRLF, which is skipped. At most `bytesMax` with it. */
  async line(bytesMax: number): Promise<string> {
    let text = "";
    while (!text.endsWith("\n")) {
      if (this.#at === this.#chunk.length && !await this.#advance()) throw badFraming();
      const feed = this.#chunk.indexOf(LINE_FEED, this.#at);
      const bytes = this.#takeTo(feed === -1 ? this.#chunk.length : feed + 1);
      if (text.length + bytes.length > bytesMax) throw badFraming();
      text += latin1(bytes);
    }
    if (!text.endsWith("\r\n")) throw badFraming();
    return text.slice(0, -2);
  }

  /** The next bytes, at least one and at most `bytesMax`: a view, not a copy. */
  async some(bytesMax: number): Promise<Uint8Array> {
    if (this.#at === this.#chunk.length && !await this.#advance()) throw badFraming();
    return this.#takeTo(Math.min(this.#chunk.length, this.#at + bytesMax));
  }

  /** Skips the CRLF that must be here. */
  async endOfLine(): Promise<void> {
    if (await this.line(2) !== "") throw badFraming();
  }

  /** All text that is left, at most `bytesMax`. */
  async rest(bytesMax: number): Promise<string> {
    let text = "";
    do {
      const bytes = this.#takeTo(this.#chunk.length);
      if (text.length + bytes.length > bytesMax) throw badFraming();
      text += latin1(bytes);
    } while (await this.#advance());
    return text;
  }

  #takeTo(end: number): Uint8Array {
    const bytes = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  async #advance(): Promise<boolean> {
    const chunk = await this.#source.read();
    this.#chunk = chunk ?? NOTHING;
    this.#at = 0;
    return chunk !== undefined;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function badFraming(): S3Error {
  return new S3Error("IncompleteBody", { message: "The body is not framed as aws-chunked says." });
}

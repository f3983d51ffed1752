/**
 * Messages as a stream of sealed pieces, and back. A piece carries what waited to be sent when the connection was free, parts of
 * several messages in turn, under one proof: a long message holds up no short one, and many short ones cost little more than one.
 *
 * A piece is its length (4 bytes, big-endian), an HMAC over its place in the stream and its bytes, and the bytes: parts of
 * messages, each with the message's number (4), its own length (4), and whether it is the last of its message (1). Whatever is
 * changed, left out, repeated or put elsewhere fails the proof, and with it the link; up to that only one piece is ever held.
 */

import { joinBytes } from "../bytes.ts";
import { isSameBytes } from "../constant_time.ts";
import { LIMITS } from "../limits.ts";
import type { ProofKey } from "./proof_key.ts";

/** Which way a stream goes: a piece of one is none of the other. */
export type LinkWay = "calls" | "answers";

export interface LinkMessage {
  /** Given by the caller; the answer has the same. */
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The other side isn't, or isn't any more, who it was; or it doesn't keep to the limits. */
export class LinkBroken extends Error {}

const PROOF_BYTES = 32;
const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + PROOF_BYTES;
const PART_HEAD_BYTES = 9;
/** What of a piece may be one message's. */
const PART_BYTES_MAX = LIMITS.linkPieceBytesMax / 4;

interface Waiting {
  readonly number: number;
  readonly bytes: Uint8Array;
  sent: number;
}

interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

export class LinkWriter {
  readonly #prove: Prover;
  #waiting: Waiting[] = [];

  constructor(key: ProofKey, way: LinkWay) {
    this.#prove = prover(key, way);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The bytes must not change until they are taken. */
  add({ number, bytes }: LinkMessage): void {
    this.#waiting.push({ number, bytes, sent: 0 });
  }

  /** The next piece of what was added. */
  take(): Uint8Array<ArrayBuffer> {
    const parts = this.#takeParts();
    const payload = parts.reduce((sum, { bytes }) => sum + PART_HEAD_BYTES + bytes.length, 0);
    const piece = new Uint8Array(HEAD_BYTES + payload);
    const view = new DataView(piece.buffer);
    view.setUint32(0, payload);
    let at = HEAD_BYTES;
    for (const { number, bytes, isLast } of parts) {
      view.setUint32(at, number);
      view.setUint32(at + 4, bytes.length);
      view.setUint8(at + 8, isLast ? 1 : 0);
      piece.set(bytes, at + PART_HEAD_BYTES);
      at += PART_HEAD_BYTES + bytes.length;
    }
    piece.set(this.#prove(piece.subarray(HEAD_BYTES)), LENGTH_BYTES);
    return piece;
  }

  /** Who isn't finished by that goes on after the others. */
  #takeParts(): Part[] {
    const parts: Part[] = [];
    const unfinished: Waiting[] = [];
    let room = LIMITS.linkPieceBytesMax;
    let taken = 0;
    for (const message of this.#waiting) {
      if (room <= PART_HEAD_BYTES) break;
      const { number, bytes, sent } = message;
      const count = Math.min(bytes.length - sent, PART_BYTES_MAX, room - PART_HEAD_BYTES);
      message.sent += count;
      const isLast = message.sent === bytes.length;
      parts.push({ number, bytes: bytes.subarray(sent, message.sent), isLast });
      if (!isLast) unfinished.push(message);
      room -= PART_HEAD_BYTES + count;
      taken++;
    }
    this.#waiting = [...this.#waiting.slice(taken), ...unfinished];
    return parts;
  }
}

export class LinkReader {
  readonly #prove: Prover;
  readonly #messageBytesMax: number;
  readonly #messagesMax: number;
  /** Of the piece that is coming in. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Of the messages that are coming in. */
  readonly #begun = new Map<number, { readonly parts: Uint8Array[]; bytes: number }>();

  /** No more than `messagesMax` messages of `messageBytesMax` are put together at once. */
  constructor(key: ProofKey, way: LinkWay, messageBytesMax: number, messagesMax: number) {
    this.#prove = prover(key, way);
    this.#messageBytesMax = messageBytesMax;
    this.#messagesMax = messagesMax;
  }

  /** What has come in as a whole with these bytes of the stream. Throws LinkBroken; then nothing more may be read. */
  read(chunk: Uint8Array): LinkMessage[] {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const messages: LinkMessage[] = [];
    for (let piece = this.#takePiece(); piece !== undefined; piece = this.#takePiece()) {
      const payload = piece.subarray(HEAD_BYTES);
      const proof = piece.subarray(LENGTH_BYTES, HEAD_BYTES);
      if (!isSameBytes(this.#prove(payload), proof)) throw new LinkBroken("a piece isn't proven");
      for (const part of readParts(payload)) {
        const bytes = this.#join(part);
        if (bytes !== undefined) messages.push({ number: part.number, bytes });
      }
    }
    return messages;
  }

  /** The next whole piece of what is held. */
  #takePiece(): Uint8Array | undefined {
    if (this.#heldBytes < HEAD_BYTES) return undefined;
    const [first] = this.#held;
    let all = first !== undefined && first.length >= HEAD_BYTES ? first : this.#holdInOne();
    const payload = viewOf(all).getUint32(0);
    if (payload > LIMITS.linkPieceBytesMax) throw new LinkBroken("a piece is too long");
    const length = HEAD_BYTES + payload;
    if (this.#heldBytes < length) return undefined;
    if (all.length < length) all = this.#holdInOne();
    this.#heldBytes -= length;
    if (all.length === length) this.#held.shift();
    else this.#held[0] = all.subarray(length);
    return all.subarray(0, length);
  }

  #holdInOne(): Uint8Array {
    const all = joinBytes(this.#held, this.#heldBytes);
    this.#held = [all];
    return all;
  }

  /** The message's bytes if this is the last part of them: in memory of their own, as they outlive the piece. */
  #join({ number, bytes, isLast }: Part): Uint8Array<ArrayBuffer> | undefined {
    const begun = this.#begun.get(number) ?? { parts: [], bytes: 0 };
    begun.parts.push(bytes);
    begun.bytes += bytes.length;
    if (begun.bytes > this.#messageBytesMax) throw new LinkBroken("a message is too long");
    if (isLast) {
      this.#begun.delete(number);
      return joinBytes(begun.parts, begun.bytes);
    }
    this.#begun.set(number, begun);
    if (this.#begun.size > this.#messagesMax) throw new LinkBroken("too many messages at once");
    return undefined;
  }
}

type Prover = (payload: Uint8Array) => Uint8Array;

/** Proves one payload after the other, each in its place. */
function prover(key: ProofKey, way: LinkWay): Prover {
  const place = new DataView(new ArrayBuffer(9));
  place.setUint8(0, way === "calls" ? 1 : 2);
  let count = 0n;
  return (payload) => {
    place.setBigUint64(1, ++count);
    return key.stamp(new Uint8Array(place.buffer), payload);
  };
}

function readParts(payload: Uint8Array): Part[] {
  const view = viewOf(payload);
  const parts: Part[] = [];
  for (let at = 0; at < payload.length;) {
    const start = at + PART_HEAD_BYTES;
    if (start > payload.length) throw new LinkBroken("a part is cut off");
    const end = start + view.getUint32(at + 4);
    if (end > payload.length) throw new LinkBroken("a part is cut off");
    const isLast = view.getUint8(at + 8) === 1;
    parts.push({ number: view.getUint32(at), bytes: payload.subarray(start, end), isLast });
    at = end;
  }
  return parts;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Messages as bytes: the length of the JSON (4 bytes, big-endian), the JSON, and then whatever bytes aren't JSON. So a block
 * travels as it is. Checks sizes and shape; knows no kinds.
 */

import { LIMITS } from "../limits.ts";
import type { JsonObject } from "../storage/record.ts";
import { PeerFault } from "./transport.ts";

export interface Frame {
  readonly json: JsonObject;
  /** undefined when there is none, or it is empty. Shares memory with the bytes that it was decoded from. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const FRAME_BYTES_MAX = LENGTH_BYTES + LIMITS.peerJsonBytesMax + LIMITS.peerBodyBytesMax;

/** Throws PeerFault "tooLarge". */
export function encodeFrame(
  json: JsonObject,
  body?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(json));
  const bodyBytes = body?.length ?? 0;
  if (text.length > LIMITS.peerJsonBytesMax || bodyBytes > LIMITS.peerBodyBytesMax) {
    throw new PeerFault("tooLarge", `${text.length} bytes of JSON and ${bodyBytes} of body`);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + text.length + bodyBytes);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, LENGTH_BYTES);
  if (body !== undefined) bytes.set(body, LENGTH_BYTES + text.length);
  return bytes;
}

/** Where a frame's body begins, if it is a frame. */
export function bodyStart(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) return bytes.length;
  return LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** Throws PeerFault "malformed" unless the JSON is an object and all is within the limits. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>): Frame {
  if (bytes.length < LENGTH_BYTES) throw malformed();
  const end = bodyStart(bytes);
  const jsonBytes = end - LENGTH_BYTES;
  const bodyBytes = bytes.length - end;
  if (jsonBytes > LIMITS.peerJsonBytesMax || bodyBytes > LIMITS.peerBodyBytesMax || bodyBytes < 0) {
    throw malformed();
  }
  const json = decodeJson(bytes.subarray(LENGTH_BYTES, end));
  return { json, body: bodyBytes === 0 ? undefined : bytes.subarray(end) };
}

/** Throws PeerFault "malformed" unless the bytes are UTF-8 of a JSON object. */
export function decodeJson(bytes: Uint8Array): JsonObject {
  const value = parse(bytes);
  if (!isJsonObject(value)) throw malformed();
  return value;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw malformed();
  }
}

/** Of a value out of JSON.parse. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(): PeerFault {
  return new PeerFault("malformed", "the message can't be read");
}

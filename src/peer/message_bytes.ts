/** A call as bytes, and what its answer's bytes say: the same whichever way they travel. */

import type { JsonObject } from "../storage/record.ts";
import { encodeFrame, type Frame, isJsonObject } from "./frame.ts";
import { type Message, PeerError, PeerFault, type Reply } from "./transport.ts";

/** Of messages that somebody still has. */
const encoded = new WeakMap<Message, Uint8Array<ArrayBuffer>>();

/** One message to several peers is encoded once; the bytes must stay as they are. Throws PeerError "refused", "tooLarge". */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const bytes = encoded.get(message) ?? encode(message);
  encoded.set(message, bytes);
  return bytes;
}

function encode({ kind, data, body }: Message): Uint8Array<ArrayBuffer> {
  try {
    return encodeFrame({ kind, data }, body);
  } catch (cause) {
    if (!(cause instanceof PeerFault)) throw cause;
    throw new PeerError("refused", `${kind} has ${cause.message}`, cause.code, { cause });
  }
}

/** Throws PeerError "failed". */
export function decodeAnswer<T>(address: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new PeerError("failed", `${address} gave an answer that can't be read`, undefined, {
      cause,
    });
  }
}

/** Throws PeerError for anything but an answer and what a new session helps against. */
export function readReply(address: string, { json, body }: Frame): Reply | "unknownSession" {
  const { outcome, data } = json;
  if (outcome === "unknownSession") return outcome;
  if (outcome !== "done" || !isJsonObject(data)) throw excuse(address, json);
  return body === undefined ? { data } : { data, body };
}

/** What an answer that isn't "done" tells the caller. */
export function excuse(address: string, { outcome, code, message, id }: JsonObject): PeerError {
  switch (outcome) {
    case "refused":
      return new PeerError("refused", `${address}: ${message}`, String(code));
    case "otherNode":
      return new PeerError("otherNode", `${address} is ${id}`);
    case "replayed":
    case "broken":
      return new PeerError("unreachable", `${address} got the call ${outcome}`);
    default:
      return new PeerError("failed", `${address} couldn't`);
  }
}

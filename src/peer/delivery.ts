/** A proven call handed to the handler, and what came of it as bytes: the same whichever way the call came. */

import { decodeFrame, encodeFrame, isJsonObject } from "./frame.ts";
import { type Outcome, refusal } from "./outcome.ts";
import { type Contact, type Message, type MessageHandler, PeerFault } from "./transport.ts";

/** An encoded frame. */
export type Answer = Uint8Array<ArrayBuffer>;

export interface Receiver {
  readonly handler: MessageHandler;
  /** Told what a handler threw that wasn't a PeerFault. */
  readonly onFault: (cause: unknown) => void;
}

/** Never rejects. `bytes`: an encoded frame; `bodyHash`: the BLAKE3 hash of its body, if it is known. */
export async function deliver(
  { handler, onFault }: Receiver,
  from: Contact,
  bytes: Uint8Array<ArrayBuffer>,
  bodyHash?: string,
): Promise<Answer> {
  try {
    const message = parseMessage(bytes);
    const { data, body } = await handler(
      from,
      bodyHash === undefined ? message : { ...message, bodyHash },
    );
    return encodeFrame({ outcome: "done", data }, body);
  } catch (error) {
    return encodeOutcome(excuse(error, onFault));
  }
}

export function encodeOutcome(outcome: Outcome): Answer {
  return encodeFrame({ ...outcome });
}

/** What the caller is told of an error. */
export function excuse(error: unknown, onFault: Receiver["onFault"]): Outcome {
  if (error instanceof PeerFault) return refusal(error);
  onFault(error);
  return { outcome: "failed" };
}

/** Throws PeerFault "malformed". */
function parseMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  const { json: { kind, data }, body } = decodeFrame(bytes);
  if (typeof kind !== "string" || !isJsonObject(data)) {
    throw new PeerFault("malformed", "a message has a kind and data");
  }
  return body === undefined ? { kind, data } : { kind, data, body };
}

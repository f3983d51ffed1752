/** What an endpoint answers to a proven request, apart from data: why not. */

import { LIMITS } from "../limits.ts";
import type { JsonObject } from "../storage/record.ts";
import type { PeerFault } from "./transport.ts";

export type Outcome =
  | { readonly outcome: "done"; readonly data: JsonObject }
  | { readonly outcome: "refused"; readonly code: string; readonly message: string }
  /** The handler failed; why stays in the receiver's log. */
  | { readonly outcome: "failed" }
  /** The call's session isn't known here, and the call wasn't delivered in it: say hello and try again. */
  | { readonly outcome: "unknownSession" }
  /** The call came a second time, or too late to know. */
  | { readonly outcome: "replayed" }
  /** The request's body didn't come as its head says. */
  | { readonly outcome: "broken" }
  /** The call was for another node than this. */
  | { readonly outcome: "otherNode"; readonly id: string };

export function refusal({ code, message }: PeerFault): Outcome {
  return { outcome: "refused", code, message: message.slice(0, LIMITS.peerFaultCharsMax) };
}

/** What a handler is given, and what it is: one S3 operation on one target, by one known caller. */

import type { Payload } from "../auth/payload.ts";
import type { Caller, Keyring } from "../auth/keyring.ts";
import type { Clock, Random } from "../clock.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type { Log } from "../log.ts";
import type { ObjectStore } from "../storage/object_store.ts";
import type { Operation } from "./operation.ts";
import type { Reply } from "./reply.ts";

/** The parts of the world that handlers may use. */
export interface Services {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** For PostObject, whose signature is in its form. */
  readonly keyring: Keyring;
  /** The region that this server says it is in. */
  readonly region: string;
  /** The only region that requests and forms may be signed for; undefined accepts any. */
  readonly signedRegion: string | undefined;
  /** For a fault that comes when the reply has begun: everything else is thrown. */
  readonly log: Log;
}

/** An authenticated and authorized request. Nothing of its body has been read. */
export interface Call<O extends Operation = Operation> {
  readonly operation: O;
  readonly request: IncomingRequest;
  readonly caller: Caller;
  readonly payload: Payload;
  readonly services: Services;
}

/** Headers that every response gets (request id, CORS, …) are added by the server, errors are made by error_reply.ts. */
export type Handler<O extends Operation = Operation> = (call: Call<O>) => Promise<Reply>;

/**
 * Reads of records from other members, several in one call: those that come up while a call to the member is under way wait for it
 * to end, though never for long, and go together in the next. Busy nodes so pay for one call what one read alone would cost.
 */

import { LIMITS } from "../limits.ts";
import type { Json } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import type { Peers } from "./peers.ts";
import { isArray, malformed } from "./record_codec.ts";
import type { MemberKey } from "./stages.ts";

interface Read {
  readonly names: readonly Json[];
  readonly resolve: (answers: readonly Json[]) => void;
  readonly reject: (fault: unknown) => void;
}

interface Line {
  waiting: Read[];
  callsUnderWay: number;
  cancel: (() => void) | undefined;
}

export class ReadCalls {
  readonly #peers: Pick<Peers, "call">;
  readonly #timers: Timers;
  /** Of members with calls under way. */
  readonly #lines = new Map<MemberKey, Line>();

  constructor(peers: Pick<Peers, "call">, timers: Timers) {
    this.#peers = peers;
    this.#timers = timers;
  }

  /** The member's answers to the names, at most LIMITS.recordNamesMax, in their order. It is asked after this call. */
  read(member: MemberKey, names: readonly Json[]): Promise<readonly Json[]> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(member) ?? { waiting: [], callsUnderWay: 0, cancel: undefined };
      this.#lines.set(member, line);
      line.waiting.push({ names, resolve, reject });
      if (line.callsUnderWay === 0) this.#send(member, line);
      else line.cancel ??= this.#timers.after(LIMITS.readGatherMs, () => this.#send(member, line));
    });
  }

  /** All that wait, in as few calls as they fit. */
  #send(member: MemberKey, line: Line): void {
    line.cancel?.();
    line.cancel = undefined;
    const { waiting } = line;
    line.waiting = [];
    for (const batch of batches(waiting)) {
      line.callsUnderWay++;
      this.#call(member, batch).finally(() => {
        line.callsUnderWay--;
        if (line.waiting.length > 0) this.#send(member, line);
        else if (line.callsUnderWay === 0) this.#lines.delete(member);
      });
    }
  }

  /** Never rejects. */
  async #call(member: MemberKey, batch: readonly Read[]): Promise<void> {
    try {
      const names = batch.flatMap((read) => read.names);
      const message = { kind: "record.read", data: { names } };
      const { data: { records } } = await this.#peers.call(member, message, LIMITS.readCallMs);
      if (!isArray(records) || records.length !== names.length) throw malformed("records");
      let at = 0;
      for (const read of batch) read.resolve(records.slice(at, at += read.names.length));
    } catch (fault) {
      for (const read of batch) read.reject(fault);
    }
  }
}

function batches(reads: readonly Read[]): Read[][] {
  const batches: Read[][] = [];
  let count = Infinity;
  for (const read of reads) {
    count += read.names.length;
    if (count > LIMITS.recordNamesMax) {
      batches.push([]);
      count = read.names.length;
    }
    batches.at(-1)?.push(read);
  }
  return batches;
}

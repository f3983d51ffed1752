/**
 * What clients asked for and what they were told, in the order in which it happened; and the judgement of it. Time is a count
 * of calls and returns, so that what is before what is never a matter of clocks.
 */

import { findViolation, type Model, type Operation } from "./linearizability.ts";

export interface Caller {
  readonly client: string;
  /** The node that was asked. */
  readonly node: string;
}

/** An operation on one subject (a key, a bucket), with what a reader of a failure wants to know. */
export interface Entry<Action> extends Operation<Action>, Caller {
  readonly subject: string;
  readonly calledMs: number;
  readonly returnedMs: number | undefined;
}

/** An operation that was called. Unless one of these is called it stays without a return. */
export interface Pending<Action> {
  /** What it does has turned out only now that it is under way. */
  becomes(action: Action): void;
  /** It had this outcome, or, undefined, the one that was called for. */
  returned(outcome?: Action): void;
  /** It had no effect, and told nothing: it is forgotten. */
  refused(): void;
}

/** Counts for all histories of one run, so that they can be compared. */
export class Sequence {
  #last = 0;

  next(): number {
    return ++this.#last;
  }
}

export class History<Action> {
  readonly #entries = new Set<Mutable<Entry<Action>>>();
  readonly #sequence: Sequence;
  readonly #nowMs: () => number;

  constructor(sequence: Sequence, nowMs: () => number) {
    this.#sequence = sequence;
    this.#nowMs = nowMs;
  }

  /** In the order of their calls. */
  get entries(): readonly Entry<Action>[] {
    return [...this.#entries];
  }

  call(subject: string, { client, node }: Caller, action: Action): Pending<Action> {
    const entry: Mutable<Entry<Action>> = {
      subject,
      client,
      node,
      action,
      calledAt: this.#sequence.next(),
      calledMs: this.#nowMs(),
      returnedAt: undefined,
      returnedMs: undefined,
    };
    this.#entries.add(entry);
    return {
      becomes: (decided) => void (entry.action = decided),
      returned: (outcome = entry.action) => {
        entry.action = outcome;
        entry.returnedAt = this.#sequence.next();
        entry.returnedMs = this.#nowMs();
      },
      refused: () => void this.#entries.delete(entry),
    };
  }

  /** By subject, in the order of their calls. */
  bySubject(): Map<string, Entry<Action>[]> {
    return Map.groupBy(this.#entries, ({ subject }) => subject);
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What the clients saw can't have happened. */
export class BrokenPromise extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BrokenPromise";
  }
}

/** Throws BrokenPromise when the operations on one subject can't be put into one order. */
export function assertLinearizable<State, Action>(
  model: Model<State, Action>,
  history: History<Action>,
  relevant: (entries: readonly Entry<Action>[]) => readonly Entry<Action>[] = (all) => all,
): void {
  for (const [subject, entries] of history.bySubject()) {
    const judged = relevant(entries);
    const violation = findViolation(model, judged);
    if (violation === undefined) continue;
    const told = violation.operation;
    const states = violation.states.map((state) => model.keyOf(state)).join(" or ");
    throw new BrokenPromise(
      `${subject} can't have answered this; just before the answer it held ${states}:\n` +
        `${describeEntry(told)}\nwhat was asked of it until then:\n` +
        entriesBefore(judged, told).map(describeEntry).join("\n"),
    );
  }
}

const ENTRIES_SHOWN = 40;

function entriesBefore<Action>(
  entries: readonly Entry<Action>[],
  told: Entry<Action>,
): readonly Entry<Action>[] {
  const until = told.returnedAt ?? Infinity;
  return entries.filter(({ calledAt }) => calledAt <= until).slice(-ENTRIES_SHOWN);
}

export function describeEntry(entry: Entry<unknown>): string {
  const { client, node, action, calledAt, returnedAt, calledMs, returnedMs } = entry;
  const end = returnedMs === undefined
    ? "no answer"
    : `${returnedMs.toFixed(1)} ms (${returnedAt})`;
  const time = `${calledMs.toFixed(1)} ms (${calledAt}) to ${end}`;
  return `  ${client} at ${node}, ${time}: ${JSON.stringify(action)}`;
}

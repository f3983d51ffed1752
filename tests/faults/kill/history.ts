/** What a key may hold after a crash, by what was asked of it and what was answered. */

/** One version of an object, as its writer knows it. */
export interface Version {
  /** In its metadata: names it among all versions of all keys. */
  readonly id: string;
  readonly size: number;
  readonly sha256: string;
  /** Without quotes. */
  readonly etag: string;
}

/** undefined: there is no object. */
export type State = Version | undefined;

interface Change {
  readonly state: State;
  readonly begunAt: number;
  /** Infinity while it isn't acknowledged. */
  acknowledgedAt: number;
}

/** A register under concurrent writers: any change may be the last one that no acknowledged change came after. */
export class KeyHistory {
  #changes: Change[] = [];
  /** Counts events: there is no need of a clock to say what was before what. */
  #now = 0;

  constructor(state: State) {
    this.settle(state);
  }

  /** A change is about to be asked for. Call what is returned when it is acknowledged. */
  begin(state: State): () => void {
    const change = { state, begunAt: ++this.#now, acknowledgedAt: Infinity };
    this.#changes.push(change);
    return () => change.acknowledgedAt = ++this.#now;
  }

  /** Old or new for changes in flight; without them, and without a race, just one. */
  possible(): readonly State[] {
    const isOver = (change: Change) =>
      this.#changes.some((other) =>
        other.acknowledgedAt < Infinity && other.begunAt > change.acknowledgedAt
      );
    return this.#changes.filter((change) => !isOver(change)).map((change) => change.state);
  }

  /** A moment, for `possibleBetween`. */
  get now(): number {
    return this.#now;
  }

  /** The same of whoever looked at some time between two moments, whatever happened since. */
  possibleBetween(from: number, to: number): readonly State[] {
    const isOver = (change: Change) =>
      this.#changes.some((other) =>
        other.acknowledgedAt <= from && other.begunAt > change.acknowledgedAt
      );
    return this.#changes.filter((change) => change.begunAt <= to && !isOver(change))
      .map((change) => change.state);
  }

  /** What it was found to hold, now that no change is in flight. */
  settle(state: State): void {
    const at = ++this.#now;
    this.#changes = [{ state, begunAt: at, acknowledgedAt: at }];
  }
}

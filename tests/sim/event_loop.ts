/**
 * Virtual time for a whole simulation: a queue of things that will happen, run one after the other as fast as possible. Knows
 * no machines and no network.
 *
 * It replays as long as nothing that runs in it waits for anything real: after each event the loop lets all microtasks drain,
 * and takes what is still pending to be waiting for a later event.
 */

import { setImmediate } from "node:timers";

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** So many events in one instant are a loop that never lets time pass. */
const EVENTS_AT_ONE_TIME_MAX = 1_000_000;
const USUAL_MS_MAX = 24 * 3_600_000;

/** The simulation can't go on as its driver expects. */
export class StuckError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StuckError";
  }
}

export class EventLoop {
  readonly #queue: Entry[] = [];
  #nowMs = 0;
  #sequence = 0;
  #eventsNow = 0;
  #events = 0;
  #isDriven = false;

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many have happened. */
  get events(): number {
    return this.#events;
  }

  /** Has `run` called `delayMs` from now: those of one time in the order in which they were asked for. Gives what cancels it. */
  after(delayMs: number, run: () => void): () => void {
    if (Number.isNaN(delayMs)) throw new RangeError("a delay must be a number");
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const entry: Entry = { atMs, sequence: this.#sequence++, run, isCancelled: false };
    push(this.#queue, entry);
    return () => void (entry.isCancelled = true);
  }

  /** Resolves `delayMs` from now. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** Lets everything happen up to, and at, that time. */
  async run(untilMs: number): Promise<void> {
    await this.#drive(() => false, untilMs);
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Lets things happen until it is so. Throws StuckError when nothing is left to happen, or `msMax` have passed. */
  async runUntil(predicate: () => boolean, msMax = USUAL_MS_MAX): Promise<void> {
    const deadlineMs = this.#nowMs + msMax;
    if (await this.#drive(predicate, deadlineMs)) return;
    throw new StuckError(
      this.#next() === undefined
        ? `stuck at ${this.#nowMs} ms: nothing is left to happen, and what is waited for hasn't`
        : `stuck: what is waited for hasn't happened in ${msMax} ms`,
    );
  }

  /** Lets things happen until the promise is settled, and gives its outcome. Throws StuckError as `runUntil` does. */
  async drive<T>(promise: Promise<T>, msMax = USUAL_MS_MAX): Promise<T> {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    promise.then(settle, settle);
    await this.runUntil(() => isSettled, msMax);
    return await promise;
  }

  /** Whether the predicate came true before what happens after `deadlineMs`. */
  async #drive(predicate: () => boolean, deadlineMs: number): Promise<boolean> {
    if (this.#isDriven) {
      throw new Error("the loop is driven already: await inside of it instead of driving it again");
    }
    this.#isDriven = true;
    try {
      await microtasks();
      while (!predicate()) {
        const entry = this.#next();
        if (entry === undefined || entry.atMs > deadlineMs) return false;
        this.#happen(entry);
        await microtasks();
      }
      return true;
    } finally {
      this.#isDriven = false;
    }
  }

  #happen(entry: Entry): void {
    pop(this.#queue);
    this.#eventsNow = entry.atMs === this.#nowMs ? this.#eventsNow + 1 : 0;
    if (this.#eventsNow > EVENTS_AT_ONE_TIME_MAX) {
      throw new StuckError(`${this.#eventsNow} events at ${this.#nowMs} ms: time stands still`);
    }
    this.#nowMs = entry.atMs;
    this.#events++;
    entry.run();
  }

  #next(): Entry | undefined {
    while (this.#queue[0]?.isCancelled) pop(this.#queue);
    return this.#queue[0];
  }
}

/** Resolves when all promises have gone as far as they can without a timer or I/O. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** Into a binary heap with the next at 0. */
function push(heap: Entry[], entry: Entry): void {
  let place = heap.length;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, entry)) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = entry;
}

/** Removes the next. */
function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  while (true) {
    const left = 2 * place + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    const child = a !== undefined && b !== undefined && isBefore(b, a) ? b : a;
    if (child === undefined || isBefore(last, child)) break;
    heap[place] = child;
    place = child === a ? left : left + 1;
  }
  heap[place] = last;
}

/** Time and chance as values that can be handed in, so that tests and simulations can replay them. */

import { randomBytes } from "node:crypto";

/** Milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
}

/** Bytes that nobody can guess (or, in a simulation, that a seed decides). */
export interface Random {
  bytes(count: number): Uint8Array;
}

export const systemClock: Clock = { now: () => Date.now() };
export const systemRandom: Random = { bytes: (count) => new Uint8Array(randomBytes(count)) };

/** How much memory bodies may take while they are received, all together. */

import { Budget } from "./budget.ts";
import { S3Error } from "./errors.ts";
import { LIMITS } from "./limits.ts";

export class BodyRoom {
  readonly #budget: Budget;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#budget = new Budget(bytesMax);
    this.#bytesMax = bytesMax;
  }

  /**
   * Room for a body of this length (undefined: any), to be held while it is received: of a long one only a piece is in memory at
   * a time. Waits a while for it. Throws SlowDown.
   */
  async take(length: number | undefined): Promise<Disposable> {
    const bytes = Math.min(
      length ?? LIMITS.bodyBytesInMemory,
      LIMITS.bodyBytesInMemory,
      this.#bytesMax,
    );
    const room = this.#budget.tryTake(bytes);
    if (room !== undefined) return room;
    try {
      return await this.#budget.take(bytes, AbortSignal.timeout(LIMITS.bodyRoomWaitMs));
    } catch (cause) {
      throw new S3Error("SlowDown", { cause, headers: { "retry-after": "1" } });
    }
  }
}

/** How much a store holds: counted piece by piece beside other work, and seldom enough to cost next to nothing. */

import { LIMITS } from "../limits.ts";
import type { StoreParts } from "./file_parts.ts";
import { nextTurn } from "./turns.ts";

export interface BucketTotal {
  readonly objects: number;
  readonly bytes: number;
}

export interface Survey {
  /** By name. */
  readonly buckets: ReadonlyMap<string, BucketTotal>;
  readonly uploads: number;
  /** Files in the temp folder: parts of uploads, and bodies being received. */
  readonly tempFiles: number;
  readonly tempBytes: number;
  /** By `performance.now`. */
  readonly takenAtMs: number;
}

export class StoreSurvey {
  readonly #parts: StoreParts;
  #last: Survey | undefined;
  #tookMs = 0;
  #taking: Promise<Survey> | undefined;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** The last one; the first is waited for. A new one is begun when it is due, for those who ask later. */
  async latest(): Promise<Survey> {
    const last = this.#last;
    if (last === undefined || this.#isDue(last)) {
      this.#taking ??= this.#take().finally(() => this.#taking = undefined);
    }
    if (last === undefined) return await (this.#taking ?? this.#take());
    this.#taking?.catch((error) => this.#parts.onFault("counting what the store holds", error));
    return last;
  }

  /** Resolves when none is being taken. */
  async idle(): Promise<void> {
    await this.#taking?.catch(() => {});
  }

  #isDue({ takenAtMs }: Survey): boolean {
    const everyMs = Math.max(LIMITS.surveyEveryMsMin, this.#tookMs * LIMITS.surveyShare);
    return performance.now() - takenAtMs >= everyMs;
  }

  async #take(): Promise<Survey> {
    const { catalog } = this.#parts;
    const buckets = new Map<string, BucketTotal>();
    this.#tookMs = 0;
    for (const { name } of catalog.read.listBuckets()) {
      buckets.set(name, await this.#countBucket(name));
    }
    const temp = await this.#countTemp();
    this.#last = {
      buckets,
      uploads: catalog.read.countUploads(),
      ...temp,
      takenAtMs: performance.now(),
    };
    return this.#last;
  }

  async #countBucket(name: string): Promise<BucketTotal> {
    const total = { objects: 0, bytes: 0 };
    for (let after: string | undefined = ""; after !== undefined;) {
      const started = performance.now();
      const page = this.#parts.catalog.read.sumObjects(name, after, LIMITS.surveyPage);
      total.objects += page.objects;
      total.bytes += page.bytes;
      after = page.objects < LIMITS.surveyPage ? undefined : page.key ?? undefined;
      this.#tookMs += performance.now() - started;
      await nextTurn();
    }
    return total;
  }

  async #countTemp(): Promise<Pick<Survey, "tempFiles" | "tempBytes">> {
    const { files, tree } = this.#parts;
    let [tempFiles, tempBytes] = [0, 0];
    for await (const { name } of files.readDirectory(tree.tempDir)) {
      tempBytes += files.stat(tree.tempPath(name))?.size ?? 0;
      tempFiles++;
    }
    return { tempFiles, tempBytes };
  }
}

/** `zs3 check` over a node's content: every block held against its hash, and every record for being one. */

import { LIMITS } from "../limits.ts";
import type { ContentStore, NameBound } from "./content_store.ts";
import type { Record, RecordName } from "./record.ts";
import type { CheckSummary, CheckWatch } from "./store_check.ts";

/** Which objects a block that isn't sound belongs to. */
interface Users {
  /** What is wrong with the block. */
  readonly what: string;
  first: string | undefined;
  count: number;
}

export class ContentCheck {
  readonly #content: ContentStore;
  /** By hash; LIMITS.unsoundBlocksNamedMax at most, those beyond are told at once. */
  readonly #unsound = new Map<string, Users>();

  constructor(content: ContentStore) {
    this.#content = content;
  }

  /** Drops blocks that aren't sound: a node that runs fetches them from others. */
  async check(watch: CheckWatch): Promise<CheckSummary> {
    await this.#verifyBlocks(watch);
    const records = this.#readRecords(watch);
    for (const [hash, { what, first, count }] of this.#unsound) {
      const more = count > 1 ? ` and of ${count - 1} more` : "";
      const owner = first === undefined ? "of no object" : `of ${first}${more}`;
      watch.problem({
        subject: blockText(hash),
        what: `${what}; it is ${owner}`,
        isRepaired: false,
      });
    }
    const { blocks, bytes } = this.#content.blocks.stats();
    return { kind: "content", blocks, bytes, records, blocksElsewhere: this.#countNotHeld() };
  }

  async #verifyBlocks(watch: CheckWatch): Promise<void> {
    const { blocks } = this.#content;
    const total = blocks.stats().blocks;
    let done = 0;
    for (let after = "";;) {
      const page = blocks.list(after, LIMITS.rescanBatch);
      for (const hash of page) {
        watch.progress(done++, total, blockText(hash));
        const { damaged } = blocks.stats();
        if (!await blocks.verify(hash)) {
          this.#noteUnsound(hash, blocks.stats().damaged > damaged, watch);
        }
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  #noteUnsound(hash: string, isDamaged: boolean, watch: CheckWatch): void {
    const what = (isDamaged ? "its bytes are damaged and were dropped" : "its file is gone") +
      ": the node fetches it from another when it runs";
    if (this.#unsound.size < LIMITS.unsoundBlocksNamedMax) {
      this.#unsound.set(hash, { what, first: undefined, count: 0 });
    } else {
      watch.problem({ subject: blockText(hash), what, isRepaired: false });
    }
  }

  /** Returns how many there are. */
  #readRecords(watch: CheckWatch): number {
    const { records } = this.#content;
    let count = 0;
    for (let after: NameBound = undefined;;) {
      const page = records.names(after, undefined, LIMITS.rescanBatch);
      for (const { name } of page) {
        count++;
        const record = this.#readRecord(name, watch);
        if (record !== undefined && !record.isDeleted) this.#noteUser(record);
      }
      const last = page.at(-1);
      if (last === undefined) return count;
      after = last.name;
    }
  }

  #readRecord(name: RecordName, watch: CheckWatch): Record | undefined {
    try {
      return this.#content.records.find(name);
    } catch (error) {
      const what = `its record can't be read: ${error instanceof Error ? error.message : error}`;
      watch.problem({ subject: nameText(name), what, isRepaired: false });
      return undefined;
    }
  }

  #noteUser(record: Record): void {
    for (const { hash } of record.blocks) {
      const users = this.#unsound.get(hash);
      if (users === undefined) continue;
      users.first ??= nameText(record);
      users.count++;
    }
  }

  /** Blocks that records refer to and that aren't here: of a cluster that is larger than its replicas most are elsewhere. */
  #countNotHeld(): number {
    const { records, blocks } = this.#content;
    let count = 0;
    for (let after = "";;) {
      const page = records.references(after, LIMITS.rescanBatch);
      for (const { hash } of page) if (!blocks.has(hash)) count++;
      const last = page.at(-1);
      if (last === undefined) return count;
      after = last.hash;
    }
  }
}

function blockText(hash: string): string {
  return `block ${hash}`;
}

/** `bucket/key`, and of which kind when it isn't an object. */
function nameText({ kind, bucket, key }: RecordName): string {
  if (kind === "bucket") return bucket;
  return kind === "object" ? `${bucket}/${key}` : `${bucket}/${key} (${kind})`;
}

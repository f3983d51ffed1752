/**
 * `zs3 check` over a node's content: every block held against its hash, and every record for being one. It only reads, so it
 * may run beside the node: what looks wrong is looked at again.
 */

import { LIMITS } from "../limits.ts";
import { FOLDERS } from "./block_files.ts";
import type { CheckPoint, CheckSummary, CheckWatch, ProblemKind } from "./check.ts";
import type { ContentView } from "./content_view.ts";
import { textToName } from "./name_text.ts";
import type { Record, RecordName } from "./record.ts";

export interface ContentCheckOptions {
  /** Whether to set damaged blocks aside, and forget those that are gone: for a node that doesn't run. */
  readonly isRepair: boolean;
}

/** Which objects a block that isn't sound belongs to. */
interface Users {
  readonly kind: ProblemKind;
  first: string | undefined;
  count: number;
}

type Counts = { blocks: number; bytes: number };

const LOOK_PAUSE_MS = 50;

export class ContentCheck {
  readonly #content: ContentView;
  readonly #watch: CheckWatch;
  readonly #isRepair: boolean;
  /** By hash; LIMITS.unsoundBlocksNamedMax at most, those beyond are told at once. */
  readonly #unsound = new Map<string, Users>();
  /** The same as a point has them: a copy, which doesn't change. */
  #untold: NonNullable<CheckPoint["untold"]> = {};
  readonly #counts: Counts = { blocks: 0, bytes: 0 };

  constructor(content: ContentView, watch: CheckWatch, options: ContentCheckOptions) {
    this.#content = content;
    this.#watch = watch;
    this.#isRepair = options.isRepair;
  }

  /** Goes on from a point that `watch.passed` was told, or begins. */
  async run(from?: CheckPoint): Promise<CheckSummary> {
    Object.assign(this.#counts, from?.counts);
    for (const [hash, kind] of Object.entries(from?.untold ?? {})) this.#note(hash, kind);
    await this.#verifyBlocks(from?.place[0] ?? "");
    const records = this.#readRecords();
    for (const [hash, users] of this.#unsound) this.#tellBlock(hash, users);
    const blocksElsewhere = this.#countNotHeld();
    return { kind: "content", ...this.#counts, records, blocksElsewhere };
  }

  async #verifyBlocks(after: string): Promise<void> {
    for (const [index, folder] of FOLDERS.entries()) {
      if (folder < after.slice(0, 2)) continue;
      const hashes = this.#content.listFolder(folder);
      for (const [place, hash] of hashes.entries()) {
        if (hash <= after) continue;
        this.#watch.progress(index + place / hashes.length, FOLDERS.length, blockText(hash));
        await this.#verify(hash);
        this.#watch.passed({
          place: [hash],
          counts: { ...this.#counts },
          untold: this.#untold,
        });
      }
    }
  }

  /** Twice the same is believed: a node that runs may be replacing or removing it. */
  async #verify(hash: string): Promise<void> {
    let last: ProblemKind | undefined;
    for (;;) {
      const verdict = await this.#content.verify(hash);
      await this.#watch.pace(verdict?.size ?? 0);
      if (verdict?.isSound) {
        this.#counts.blocks++;
        this.#counts.bytes += verdict.size;
        return;
      }
      if (verdict === undefined && !this.#content.isBelieved(hash)) return;
      const kind = verdict === undefined ? "missing" : "damaged";
      if (kind === last) return this.#noteUnsound(hash, kind);
      last = kind;
      await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
    }
  }

  #noteUnsound(hash: string, kind: ProblemKind): void {
    if (this.#isRepair && kind === "damaged") this.#content.setAside(hash);
    if (this.#isRepair && kind === "missing") this.#content.forget(hash);
    if (this.#unsound.size < LIMITS.unsoundBlocksNamedMax) this.#note(hash, kind);
    else this.#tellBlock(hash, { kind, first: undefined, count: 0 });
  }

  #note(hash: string, kind: ProblemKind): void {
    this.#unsound.set(hash, { kind, first: undefined, count: 0 });
    this.#untold = { ...this.#untold, [hash]: kind };
  }

  #tellBlock(hash: string, { kind, first, count }: Users): void {
    const more = count > 1 ? ` and of ${count - 1} more` : "";
    const owner = first === undefined ? "of no object" : `of ${first}${more}`;
    const isKept = kind === "damaged" && !this.#isRepair;
    const what = kind === "missing"
      ? "its file is gone"
      : isKept
      ? "its bytes are damaged"
      : "its bytes are damaged and were set aside";
    const remedy = isKept
      ? "the node drops it when it reads it, and fetches it from another"
      : "the node fetches it from another when it runs";
    this.#watch.problem({
      kind,
      subject: blockText(hash),
      what: `${what}: ${remedy}; it is ${owner}`,
      isRepaired: this.#isRepair,
    });
  }

  /** Returns how many there are. */
  #readRecords(): number {
    let count = 0;
    for (const isDeleted of [false, true]) {
      for (let after = "";;) {
        const page = this.#content.names(isDeleted, after, LIMITS.rescanBatch);
        for (const name of page) {
          const record = this.#readRecord(isDeleted, name);
          if (record !== undefined && !isDeleted) this.#noteUser(record);
        }
        count += page.length;
        const last = page.at(-1);
        if (last === undefined) break;
        after = last;
      }
    }
    return count;
  }

  #readRecord(isDeleted: boolean, name: string): Record | undefined {
    try {
      return this.#content.find(isDeleted, name);
    } catch (error) {
      const what = `its record can't be read: ${error instanceof Error ? error.message : error}`;
      this.#watch.problem({ kind: "record", subject: recordText(name), what, isRepaired: false });
      return undefined;
    }
  }

  #noteUser(record: Record): void {
    if (this.#unsound.size === 0) return;
    for (const { hash } of record.blocks) {
      const users = this.#unsound.get(hash);
      if (users === undefined) continue;
      users.first ??= nameText(record);
      users.count++;
    }
  }

  /** Blocks that records refer to and that aren't here: of a cluster that is larger than its replicas most are elsewhere. */
  #countNotHeld(): number {
    let count = 0;
    for (let after = "";;) {
      const page = this.#content.references(after, LIMITS.rescanBatch);
      for (const { hash } of page) if (!this.#content.hasFile(hash)) count++;
      const last = page.at(-1);
      if (last === undefined) return count;
      after = last.hash;
    }
  }
}

function blockText(hash: string): string {
  return `block ${hash}`;
}

function recordText(text: string): string {
  try {
    return nameText(textToName(text));
  } catch {
    return `record ${JSON.stringify(text)}`;
  }
}

/** `bucket/key`, and of which kind when it isn't an object. */
function nameText({ kind, bucket, key }: RecordName): string {
  if (kind === "bucket") return bucket;
  return kind === "object" ? `${bucket}/${key}` : `${bucket}/${key} (${kind})`;
}

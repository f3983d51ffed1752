/**
 * The journal: what the catalog has committed and the files don't show yet. It is what makes the commit of one transaction
 * the moment at which an object changes: a reader that finds an entry here believes it, not the file.
 *
 * An entry's life: committed (in the catalog, with a small body's bytes) → durable → laid out (the file is there) →
 * settled (the file would survive a power cut; the entry is dropped). A start finishes what a crash left. A newer entry
 * for the same key replaces the older one, which then needs nothing more.
 *
 * Who writes now and then finds the file in place with the reply. In busy times layouts wait for a moment of rest, and get
 * a small part of the thread until there is one: what is overwritten meanwhile is never laid out.
 */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { Allowance } from "./allowance.ts";
import type { Catalog, CatalogChange, Durability } from "./catalog.ts";
import type { JournalAction, JournalRow } from "./catalog_rows.ts";
import type { Files } from "./files.ts";
import { type FileTree, type MadeDirectory, parentsOf, type TreeChange } from "./file_tree.ts";
import { directoryToPrefix, keyToAliasPath, keyToPath } from "./key_path.ts";
import { objectId } from "./names.ts";
import { eachLimited, nextTurn } from "./turns.ts";

export interface JournalEntry {
  readonly seq: number;
  readonly bucket: string;
  /** "" for the bucket's folder itself. */
  readonly key: string;
  readonly action: JournalAction;
  /** The bytes of a `write` while they are at hand: until they are laid out, and not after a start. See `bodyOf`. */
  body: Uint8Array<ArrayBuffer> | undefined;
  readonly size: number;
  /** Name in the temp folder of the bytes of a `move`. */
  readonly temp: string | undefined;
  readonly mtime: number;
  isLaidOut: boolean;
  /** Whether a layout failed: that is reported once. */
  hasFailed: boolean;
  /** Temp files of entries that this one replaced: removed when this one is durable. */
  readonly obsoleteTemps: string[];
  /** Since when the key's file isn't what the object is, by `performance.now`. */
  behindSinceMs: number;
}

/** What a transaction wants done to the files. */
export type PlannedAction =
  & { readonly bucket: string; readonly key: string }
  & (
    | { readonly action: "write"; readonly body: Uint8Array<ArrayBuffer>; readonly mtime: number }
    | { readonly action: "move"; readonly temp: string; readonly mtime: number }
    | { readonly action: "remove" | "makeBucket" | "removeBucket" }
  );

export interface JournalOptions {
  readonly catalog: Catalog;
  readonly tree: FileTree;
  readonly files: Files;
  readonly durability: Durability;
  /** Told of what goes wrong in the background and will be tried again. */
  readonly onFault: (what: string, error: unknown) => void;
}

const NEW_ENTRY = { isLaidOut: false, hasFailed: false } as const;

/** A layout that isn't settled yet, with what must be synced for it and for those that it replaced. */
interface LaidOut {
  readonly entry: JournalEntry;
  readonly file: string | undefined;
  readonly touched: ReadonlySet<string>;
}

export class Journal {
  readonly #catalog: Catalog;
  readonly #tree: FileTree;
  readonly #files: Files;
  readonly #isStrict: boolean;
  readonly #onFault: JournalOptions["onFault"];
  readonly #entries = new Map<string, JournalEntry>();
  /** Of the open transaction, and of some that failed: for these keys the catalog has to be asked. */
  readonly #planned = new Set<string>();
  /** Durable entries that wait to be laid out, by bucket and key, the key that has been waiting longest first. */
  readonly #waiting = new Map<string, JournalEntry>();
  #waitTimer: ReturnType<typeof setTimeout> | undefined;
  #finishedAtMs = -Infinity;
  /** How many layouts may still be done with the reply: used up in busy times, and growing with time. */
  readonly #promptLayouts = new Allowance(LIMITS.promptLayoutsMax, LIMITS.promptLayoutsPerSecond);
  /** Entries whose layout failed: tried again with the next settling. */
  #failed: JournalEntry[] = [];
  /** By bucket and key, oldest first. */
  readonly #laidOut = new Map<string, LaidOut>();
  #laidOutAtMs = 0;
  #trash: string[] = [];
  #discarding: Promise<void> | undefined;
  /** Folders that were made and aren't in the catalog yet. */
  #made: MadeDirectory[] = [];
  /** Of bodies in the catalog. */
  #bytes = 0;
  #draining: Promise<void> | undefined;
  #settling: Promise<void> | undefined;
  #settleTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosing = false;
  /** Whether the last settling failed: of a row of failures the first is reported. */
  #hasSettlingFailed = false;

  constructor(options: JournalOptions) {
    this.#catalog = options.catalog;
    this.#tree = options.tree;
    this.#files = options.files;
    this.#isStrict = options.durability === "strict";
    this.#onFault = options.onFault;
  }

  /** The entry of the key that is committed and not yet laid out: what the object is until it is. */
  findPending(bucket: string, key: string): JournalEntry | undefined {
    const entry = this.#entries.get(objectId(bucket, key));
    return entry === undefined || entry.isLaidOut ? undefined : entry;
  }

  /** The same as a transaction sees it, which may have planned an entry itself. */
  findPendingAction(change: CatalogChange, bucket: string, key: string): JournalAction | undefined {
    const id = objectId(bucket, key);
    if (!this.#planned.has(id)) return this.findPending(bucket, key)?.action;
    const row = change.findJournal(bucket, key);
    const entry = this.#entries.get(id);
    const isLaidOut = entry !== undefined && entry.seq === row?.seq && entry.isLaidOut;
    return isLaidOut ? undefined : row?.action;
  }

  /** Names in the temp folder that entries refer to. */
  temps(): string[] {
    return [...this.#entries.values()].flatMap((entry) => entry.temp ?? []);
  }

  /** Entries that aren't settled, and the bytes of their bodies. */
  get load(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  /** Waits while too much is under way. Throws SlowDown when that doesn't end. */
  async admit(): Promise<void> {
    for (let round = 0; this.#isFull(); round++) {
      if (round >= LIMITS.journalAdmitRoundsMax) throw new S3Error("SlowDown");
      if (this.#laidOut.size === 0) this.#layOutWaiting(LIMITS.layoutSliceMs);
      await this.#settle();
    }
  }

  /** Part of a transaction: what the files must become for the rows it writes. Hand the entry to `finish` when durable. */
  plan(change: CatalogChange, planned: PlannedAction): JournalEntry {
    const { bucket, key, action } = planned;
    const body = "body" in planned ? planned.body : undefined;
    const temp = "temp" in planned ? planned.temp : undefined;
    const mtime = "mtime" in planned ? planned.mtime : 0;
    const id = objectId(bucket, key);
    this.#planned.add(id);
    const seq = change.putJournal({
      bucket,
      key,
      action,
      body: body ?? null,
      temp: temp ?? null,
      mtime,
    });
    const entry = {
      seq,
      bucket,
      key,
      action,
      body,
      size: body?.length ?? 0,
      temp,
      mtime,
      ...NEW_ENTRY,
      obsoleteTemps: [],
      behindSinceMs: performance.now(),
    };
    change.onCommit(() => {
      this.#planned.delete(id);
      this.#enter(entry);
    });
    return entry;
  }

  /** Sees to it that a durable entry is laid out: at once when that is seldom, else soon. Call it in the order of the commits. */
  finish(entry: JournalEntry): void {
    this.#finishedAtMs = performance.now();
    this.#waiting.set(objectId(entry.bucket, entry.key), entry);
    if (entry.obsoleteTemps.length > 0) this.#throwAway(entry.obsoleteTemps.splice(0));
    if (this.#isPrompt(entry)) this.#layOutNow(entry);
    else if (this.#isMuch()) this.#draining ??= this.#drain();
    else this.#waitForRest();
  }

  /** Whether all that waits should be laid out now. */
  #isDue(): boolean {
    return this.#isMuch() || performance.now() - this.#finishedAtMs >= LIMITS.layoutRestMs;
  }

  /** A bucket's folder is, before anything is laid out in it. */
  #isPrompt({ action }: JournalEntry): boolean {
    if (action === "makeBucket" || action === "removeBucket" || this.#isClosing) return true;
    return this.#waiting.size === 1 && this.#promptLayouts.take(this.#finishedAtMs);
  }

  #waitForRest(): void {
    if (this.#waiting.size === 0 || this.#draining !== undefined || this.#isClosing) return;
    this.#waitTimer ??= setTimeout(() => {
      this.#waitTimer = undefined;
      if (this.#isDue()) {
        this.#draining ??= this.#drain();
      } else {
        this.#layOutWaiting(LIMITS.busyLayoutMs, performance.now() - LIMITS.busyLayoutDelayMs);
        this.#waitForRest();
      }
    }, LIMITS.layoutRestMs);
  }

  /** Tells the catalog of the folders that were made by what is laid out. */
  async recordMade(): Promise<void> {
    if (this.#made.length === 0) return;
    const made = this.#made.splice(0);
    try {
      await this.#catalog.transact((change) =>
        made.forEach((directory) => change.putDirectory(directory))
      );
    } catch (error) {
      this.#made.unshift(...made);
      throw error;
    }
  }

  /** The bytes of a pending `write`. */
  bodyOf(entry: JournalEntry): Uint8Array<ArrayBuffer> {
    return entry.body ?? this.#catalog.read.findJournalBody(entry.seq) ?? new Uint8Array();
  }

  /** At start: takes up what the catalog says is unfinished. It is finished in the background, and read from here until then. */
  async replay(): Promise<void> {
    const rows = this.#catalog.read.listJournal();
    if (rows.length === 0) return;
    await this.#catalog.transact((change) => rows.forEach((row) => addParents(change, row)));
    for (const row of rows) {
      const entry = {
        ...row,
        body: undefined,
        size: row.size ?? 0,
        temp: row.temp ?? undefined,
        ...NEW_ENTRY,
        obsoleteTemps: [],
        behindSinceMs: -Infinity,
      };
      this.#enter(entry);
      this.#waiting.set(objectId(entry.bucket, entry.key), entry);
    }
    this.#draining ??= this.#drain();
  }

  /** Resolves when the room of what was deleted or replaced until now is free. */
  async emptied(): Promise<void> {
    await this.#discarding;
  }

  /** Lays out and settles all there is; what fails is left to be tried again. */
  async flush(): Promise<void> {
    this.#layOutWaiting(Infinity);
    await this.#settling;
    while (this.#laidOut.size > 0) {
      const before = this.#laidOut.size;
      await this.#settle();
      if (this.#laidOut.size >= before) return;
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#waitTimer);
    await this.flush();
    clearTimeout(this.#settleTimer);
    await this.#draining;
    await this.#settling;
    await this.#discarding;
  }

  #isFull(): boolean {
    return this.#entries.size >= LIMITS.journalEntriesMax ||
      this.#bytes >= LIMITS.journalBytesMax;
  }

  #enter(entry: JournalEntry): void {
    const id = objectId(entry.bucket, entry.key);
    const older = this.#entries.get(id);
    if (older !== undefined) {
      this.#bytes -= older.size;
      older.body = undefined;
      if (!older.isLaidOut) entry.behindSinceMs = older.behindSinceMs;
      // The older bytes may still be needed: until this entry is durable, a power cut brings the older one back.
      entry.obsoleteTemps.push(...older.obsoleteTemps);
      if (older.temp !== undefined && !older.isLaidOut) entry.obsoleteTemps.push(older.temp);
    }
    this.#entries.set(id, entry);
    this.#bytes += entry.size;
  }

  #leave(entry: JournalEntry): void {
    this.#entries.delete(objectId(entry.bucket, entry.key));
    this.#bytes -= entry.size;
  }

  #isCurrent(entry: JournalEntry): boolean {
    return this.#entries.get(objectId(entry.bucket, entry.key)) === entry;
  }

  /** Lays out what waits as long as it is due, and lets requests in between. */
  async #drain(): Promise<void> {
    do {
      this.#layOutWaiting(LIMITS.layoutSliceMs);
      await nextTurn();
    } while (this.#waiting.size > 0 && this.#isDue());
    this.#draining = undefined;
    this.#waitForRest();
  }

  /** For as long as `budgetMs`, those keys whose files have been behind since `sinceMs` or longer. */
  #layOutWaiting(budgetMs: number, sinceMs = Infinity): void {
    const end = performance.now() + budgetMs;
    for (const entry of this.#waiting.values()) {
      if (entry.behindSinceMs > sinceMs) break;
      this.#layOutNow(entry);
      if (performance.now() > end) break;
    }
  }

  #layOutNow(entry: JournalEntry): void {
    this.#waiting.delete(objectId(entry.bucket, entry.key));
    if (this.#isCurrent(entry)) this.#layOut(entry);
    if (this.#laidOut.size + this.#failed.length > 0) this.#settleSoon();
  }

  #layOut(entry: JournalEntry): void {
    try {
      const change = this.#changeTree(entry);
      entry.isLaidOut = true;
      entry.body = undefined;
      this.#made.push(...change.made);
      this.#rememberLayout({ entry, file: change.file, touched: new Set(change.touched) });
      this.#throwAway(change.trash);
    } catch (error) {
      this.#failed.push(entry);
      if (!entry.hasFailed) this.#onFault(`laying out ${entry.bucket}/${entry.key}`, error);
      entry.hasFailed = true;
    }
  }

  #rememberLayout(laidOut: LaidOut): void {
    const id = objectId(laidOut.entry.bucket, laidOut.entry.key);
    const older = this.#laidOut.get(id);
    this.#laidOut.delete(id);
    const touched = older === undefined ? laidOut.touched : laidOut.touched.union(older.touched);
    this.#laidOut.set(id, { ...laidOut, touched });
    this.#laidOutAtMs = performance.now();
  }

  /** Removing a file of gigabytes takes seconds: that goes on beside other work. */
  #throwAway(temps: readonly string[]): void {
    this.#trash.push(...temps);
    if (this.#trash.length > 0) this.#discarding ??= this.#discardTrash();
  }

  async #discardTrash(): Promise<void> {
    while (this.#trash.length > 0) await this.#tree.discard(this.#trash.splice(0));
    this.#discarding = undefined;
  }

  #changeTree(entry: JournalEntry): TreeChange {
    const { bucket, key, mtime } = entry;
    switch (entry.action) {
      case "write":
        return this.#tree.write(bucket, key, this.bodyOf(entry), mtime);
      case "move":
        return this.#moveTemp(entry);
      case "remove":
        return this.#tree.remove(bucket, key);
      case "makeBucket":
        return this.#tree.makeBucket(bucket);
      case "removeBucket":
        return this.#tree.removeBucket(bucket);
    }
  }

  #moveTemp({ bucket, key, temp = "" }: JournalEntry): TreeChange {
    const path = this.#tree.tempPath(temp);
    // At a start: it was moved before the crash.
    if (this.#files.stat(path) === undefined) {
      return { touched: this.#tree.foldersOf(bucket, key), made: [], trash: [] };
    }
    return this.#tree.move(bucket, key, path);
  }

  #settleSoon(): void {
    if (this.#settleTimer !== undefined || this.#isClosing) return;
    const delay = this.#isMuchLaidOut()
      ? 0
      : this.#failed.length > 0
      ? LIMITS.layoutRetryMs
      : LIMITS.settleIntervalMs;
    this.#settleTimer = setTimeout(() => {
      this.#settleTimer = undefined;
      void this.#settleAgain();
    }, delay);
  }

  /**
   * Settles when nothing was laid out for a while, or when much is unsettled: the syncs of files that will be replaced in a
   * moment are worth nothing, and those of a busy time hold up the commits.
   */
  async #settleAgain(): Promise<void> {
    for (const entry of this.#failed.splice(0)) {
      if (this.#isCurrent(entry)) this.#waiting.set(objectId(entry.bucket, entry.key), entry);
    }
    if (this.#draining === undefined) this.#layOutWaiting(LIMITS.layoutSliceMs);
    while (
      this.#laidOut.size > 0 && (this.#isMuchLaidOut() || this.#isQuiet()) && !this.#isClosing
    ) {
      await this.#settle();
      if (this.#hasSettlingFailed) break;
    }
    if (this.#laidOut.size + this.#failed.length > 0) this.#settleSoon();
  }

  #isMuch(): boolean {
    return this.#entries.size >= LIMITS.journalEntriesMax / 2 ||
      this.#bytes >= LIMITS.journalBytesMax / 2;
  }

  #isMuchLaidOut(): boolean {
    return this.#laidOut.size >= LIMITS.journalEntriesMax / 4 ||
      this.#bytes >= LIMITS.journalBytesMax / 2;
  }

  #isQuiet(): boolean {
    return performance.now() - this.#laidOutAtMs >= LIMITS.settleIntervalMs;
  }

  #settle(): Promise<void> {
    this.#settling ??= this.#settleBatch().finally(() => this.#settling = undefined);
    return this.#settling;
  }

  /** Makes the oldest layouts durable and drops their entries. */
  async #settleBatch(): Promise<void> {
    const batch = Array.from(this.#laidOut.values().take(LIMITS.settleBatchMax));
    for (const { entry } of batch) this.#laidOut.delete(objectId(entry.bucket, entry.key));
    try {
      await this.recordMade();
      if (this.#isStrict) await this.#sync(batch);
      await this.#catalog.transact((change) => {
        for (const { entry } of batch) change.deleteJournal(entry.seq);
      });
      for (const { entry } of batch) {
        if (this.#isCurrent(entry)) this.#leave(entry);
      }
      this.#hasSettlingFailed = false;
    } catch (error) {
      for (const laidOut of batch) this.#putBack(laidOut);
      if (!this.#hasSettlingFailed) this.#onFault("settling files on disk", error);
      this.#hasSettlingFailed = true;
    }
  }

  #putBack(laidOut: LaidOut): void {
    const id = objectId(laidOut.entry.bucket, laidOut.entry.key);
    const newer = this.#laidOut.get(id);
    const touched = newer === undefined ? laidOut.touched : laidOut.touched.union(newer.touched);
    this.#laidOut.set(id, { ...(newer ?? laidOut), touched });
  }

  async #sync(batch: readonly LaidOut[]): Promise<void> {
    const paths = new Set<string>();
    for (const { entry, file, touched } of batch) {
      // A moved body was synced before it was committed; a written one is only safe in the journal until now.
      if (entry.action === "write" && file !== undefined && this.#isCurrent(entry)) paths.add(file);
      for (const path of touched) paths.add(path);
    }
    await eachLimited([...paths], LIMITS.settleSyncsAtOnce, (path) => this.#files.sync(path));
  }
}

/** After a crash it isn't known which folders were made: those that may have been are looked at by the next listing. */
function addParents(change: CatalogChange, { bucket, key, action }: JournalRow): void {
  if (action === "removeBucket") return;
  for (const path of ["", ...parentsOf(keyToPath(key)), ...parentsOf(keyToAliasPath(key))]) {
    const prefix = directoryToPrefix(path);
    if (prefix !== undefined) change.addDirectory(bucket, prefix, path);
  }
}

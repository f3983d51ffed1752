/** The catalog's statements as typed methods over one database connection. */

import type {
  BucketRow,
  CompletedRow,
  DirectoryRow,
  JournalRow,
  ListedRow,
  ObjectRow,
  PartRow,
  TextRange,
  UploadRow,
} from "./catalog_rows.ts";
import type { SqlValue, Statement } from "./database.ts";
import { type Fold, leadsSql, leadsValues } from "./leads_sql.ts";
import type { Statements } from "./statements.ts";

/** The columns of ListedRow. */
const LISTED_COLUMNS = "key, etag, size, modified, mtime, part_count, meta";
const OBJECT_COLUMNS = "bucket, key, etag, size, modified, mtime, part_count, meta";

export class CatalogSession {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  findBucket(name: string): BucketRow | undefined {
    return this.#get("SELECT * FROM buckets WHERE name = ?", name);
  }

  listBuckets(): BucketRow[] {
    return this.#all("SELECT * FROM buckets ORDER BY name");
  }

  putBucket(row: BucketRow): void {
    this.#run(
      "REPLACE INTO buckets(name, created, owner, acl, cors, tags) VALUES(?, ?, ?, ?, ?, ?)",
      row.name,
      row.created,
      row.owner,
      row.acl,
      row.cors,
      row.tags,
    );
  }

  /** Removes the bucket's row; the rows of what it holds are removed by `deleteBucketContents`. */
  deleteBucket(name: string): void {
    this.#run("DELETE FROM buckets WHERE name = ?", name);
  }

  /** Removes at most about `limit` rows of objects and directories; false when none were left. */
  deleteBucketContents(name: string, limit: number): boolean {
    const remove = (table: string, column: string) =>
      this.#run(
        `DELETE FROM ${table} WHERE bucket = ? AND ${column} IN (SELECT ${column} FROM ${table} WHERE bucket = ? LIMIT ?)`,
        name,
        name,
        limit,
      );
    return remove("objects", "key") + remove("directories", "prefix") > 0;
  }

  findObject(bucket: string, key: string): ObjectRow | undefined {
    return this.#get(
      `SELECT ${OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND key = ?`,
      bucket,
      key,
    );
  }

  /** JSON of the object's parts, see object_row.ts. */
  findObjectParts(bucket: string, key: string): string | undefined {
    const row = this.#get<{ parts: string | null }>(
      "SELECT parts FROM objects WHERE bucket = ? AND key = ?",
      bucket,
      key,
    );
    return row?.parts ?? undefined;
  }

  /** In the order of the keys' UTF-8 bytes. */
  scanObjects(bucket: string, range: TextRange, limit: number): ObjectRow[] {
    return this.#all(
      `SELECT ${OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND ${
        rangeSql("key", range)
      } ORDER BY key LIMIT ?`,
      bucket,
      ...rangeValues(range),
      limit,
    );
  }

  /** As `scanObjects`. */
  scanListed(bucket: string, range: TextRange, limit: number): ListedRow[] {
    return this.#tuples<ListedRow>(
      `SELECT ${LISTED_COLUMNS} FROM objects WHERE bucket = ? AND ${
        rangeSql("key", range)
      } ORDER BY key LIMIT ?`,
      bucket,
      ...rangeValues(range),
      limit,
    );
  }

  /** All keys after `after` ("" for the first on), in batches; each is read when it is asked for, so that keys may come and go. */
  *scanKeys(bucket: string, after: string, batch: number): Generator<readonly string[]> {
    let range = { from: after, isFromIncluded: after === "", before: undefined };
    for (;;) {
      const keys = this.scanListed(bucket, range, batch).map(([key]) => key);
      const last = keys.at(-1);
      if (last === undefined) return;
      yield keys;
      range = { from: last, isFromIncluded: false, before: undefined };
    }
  }

  /** As `scanListed`, of each common prefix the first only. */
  scanListedLeads(bucket: string, range: TextRange, fold: Fold, limit: number): ListedRow[] {
    return this.#tuples<ListedRow>(
      leadsSql("objects", "key", LISTED_COLUMNS, range),
      ...leadsValues(bucket, range, fold, limit),
    );
  }

  putObject(row: ObjectRow, parts: string | null): void {
    this.#run(
      `REPLACE INTO objects(${OBJECT_COLUMNS}, parts) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      row.bucket,
      row.key,
      row.etag,
      row.size,
      row.modified,
      row.mtime,
      row.part_count,
      row.meta,
      parts,
    );
  }

  /** Changes the metadata alone. */
  setObjectMeta(bucket: string, key: string, meta: string): void {
    this.#run("UPDATE objects SET meta = ? WHERE bucket = ? AND key = ?", meta, bucket, key);
  }

  deleteObject(bucket: string, key: string): void {
    this.#run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key);
  }

  /** In the order in which they must be done. */
  listJournal(): JournalRow[] {
    return this.#all(
      "SELECT seq, bucket, key, action, length(body) AS size, temp, mtime FROM journal ORDER BY seq",
    );
  }

  /** The bytes of a `write`. */
  findJournalBody(seq: number): Uint8Array<ArrayBuffer> | undefined {
    const row = this.#get<{ body: Uint8Array<ArrayBuffer> | null }>(
      "SELECT body FROM journal WHERE seq = ?",
      seq,
    );
    return row?.body ?? undefined;
  }

  /** The key's entry; inside a transaction also one that it made itself. */
  findJournal(
    bucket: string,
    key: string,
  ): Pick<JournalRow, "seq" | "action" | "temp"> | undefined {
    return this.#get(
      "SELECT seq, action, temp FROM journal WHERE bucket = ? AND key = ?",
      bucket,
      key,
    );
  }

  /** Replaces the key's entry; gives the new entry's sequence number. */
  putJournal(
    entry: Omit<JournalRow, "seq" | "size"> & { readonly body: Uint8Array | null },
  ): number {
    const { lastInsertRowid } = this.#write(
      "REPLACE INTO journal(bucket, key, action, body, temp, mtime) VALUES(?, ?, ?, ?, ?, ?)",
      entry.bucket,
      entry.key,
      entry.action,
      entry.body,
      entry.temp,
      entry.mtime,
    );
    return Number(lastInsertRowid);
  }

  deleteJournal(seq: number): void {
    this.#run("DELETE FROM journal WHERE seq = ?", seq);
  }

  sumSizes(bucket: string): number {
    const row = this.#get<{ bytes: number }>(
      "SELECT total(size) AS bytes FROM objects WHERE bucket = ?",
      bucket,
    );
    return row?.bytes ?? 0;
  }

  /** Of the next `limit` objects after a key, with the last of them; "" for the first. */
  sumObjects(
    bucket: string,
    after: string,
    limit: number,
  ): { objects: number; bytes: number; key: string | null } {
    const sums = this.#get<{ objects: number; bytes: number; key: string | null }>(
      "SELECT count(*) AS objects, total(size) AS bytes, max(key) AS key FROM " +
        "(SELECT key, size FROM objects WHERE bucket = ? AND key > ? ORDER BY key LIMIT ?)",
      bucket,
      after,
      limit,
    );
    return sums ?? { objects: 0, bytes: 0, key: null };
  }

  countUploads(): number {
    return this.#get<{ uploads: number }>("SELECT count(*) AS uploads FROM uploads")?.uploads ?? 0;
  }

  /** Has all folders of the bucket compared with the rows anew. */
  doubtDirectories(bucket: string): void {
    this.#run("UPDATE directories SET mtime = NULL WHERE bucket = ?", bucket);
  }

  findDirectory(bucket: string, prefix: string): DirectoryRow | undefined {
    return this.#get("SELECT * FROM directories WHERE bucket = ? AND prefix = ?", bucket, prefix);
  }

  /** Does nothing when it is known. */
  addDirectory(bucket: string, prefix: string, path: string): void {
    this.#run(
      "INSERT OR IGNORE INTO directories(bucket, prefix, path, mtime) VALUES(?, ?, ?, NULL)",
      bucket,
      prefix,
      path,
    );
  }

  putDirectory(row: DirectoryRow): void {
    this.#run(
      "REPLACE INTO directories(bucket, prefix, path, mtime) VALUES(?, ?, ?, ?)",
      row.bucket,
      row.prefix,
      row.path,
      row.mtime,
    );
  }

  setDirectoryMtime(bucket: string, prefix: string, mtime: number | null): void {
    this.#run(
      "UPDATE directories SET mtime = ? WHERE bucket = ? AND prefix = ?",
      mtime,
      bucket,
      prefix,
    );
  }

  deleteDirectory(bucket: string, prefix: string): void {
    this.#run("DELETE FROM directories WHERE bucket = ? AND prefix = ?", bucket, prefix);
  }

  scanDirectories(bucket: string, range: TextRange, limit: number): DirectoryRow[] {
    return this.#all(
      `SELECT * FROM directories WHERE bucket = ? AND ${
        rangeSql("prefix", range)
      } ORDER BY prefix LIMIT ?`,
      bucket,
      ...rangeValues(range),
      limit,
    );
  }

  /** As `scanDirectories`, of each common prefix the first only. */
  scanDirectoryLeads(bucket: string, range: TextRange, fold: Fold, limit: number): DirectoryRow[] {
    return this.#all(
      leadsSql("directories", "prefix", "directories.*", range),
      ...leadsValues(bucket, range, fold, limit),
    );
  }

  findUpload(id: string): UploadRow | undefined {
    return this.#get("SELECT * FROM uploads WHERE id = ?", id);
  }

  /** By key, then id; those after `afterId` when they are of the key `range.from` and that is included. */
  scanUploads(bucket: string, range: TextRange, afterId: string, limit: number): UploadRow[] {
    return this.#all(
      `SELECT * FROM uploads WHERE bucket = ? AND ${
        rangeSql("key", range)
      } AND (key <> ? OR id > ?) ` +
        `ORDER BY key, id LIMIT ?`,
      bucket,
      ...rangeValues(range),
      range.from,
      afterId,
      limit,
    );
  }

  listUploadsOfBucket(bucket: string): UploadRow[] {
    return this.#all("SELECT * FROM uploads WHERE bucket = ?", bucket);
  }

  listUploadsBefore(initiated: number): UploadRow[] {
    return this.#all("SELECT * FROM uploads WHERE initiated < ?", initiated);
  }

  putUpload(row: UploadRow): void {
    this.#run(
      "INSERT INTO uploads(id, bucket, key, initiated, initiator, meta, checksum) VALUES(?, ?, ?, ?, ?, ?, ?)",
      row.id,
      row.bucket,
      row.key,
      row.initiated,
      row.initiator,
      row.meta,
      row.checksum,
    );
  }

  /** Removes the upload and its parts' rows; the parts' files are the caller's. */
  deleteUpload(id: string): void {
    this.#run("DELETE FROM uploads WHERE id = ?", id);
    this.#run("DELETE FROM parts WHERE upload = ?", id);
  }

  /** Ascending by number. */
  listParts(upload: string, after: number, limit: number): PartRow[] {
    return this.#all(
      "SELECT * FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
      upload,
      after,
      limit,
    );
  }

  findPart(upload: string, number: number): PartRow | undefined {
    return this.#get("SELECT * FROM parts WHERE upload = ? AND number = ?", upload, number);
  }

  /** Names of all parts' files in `.tmp`. */
  listPartTemps(): string[] {
    return this.#all<{ temp: string }>("SELECT temp FROM parts").map((row) => row.temp);
  }

  putPart(row: PartRow): void {
    this.#run(
      "REPLACE INTO parts(upload, number, size, etag, modified, checksum, temp) VALUES(?, ?, ?, ?, ?, ?, ?)",
      row.upload,
      row.number,
      row.size,
      row.etag,
      row.modified,
      row.checksum,
      row.temp,
    );
  }

  findCompleted(id: string): CompletedRow | undefined {
    return this.#get("SELECT * FROM completed WHERE id = ?", id);
  }

  putCompleted(row: CompletedRow): void {
    this.#run(
      "REPLACE INTO completed(id, bucket, key, completed, object) VALUES(?, ?, ?, ?, ?)",
      row.id,
      row.bucket,
      row.key,
      row.completed,
      row.object,
    );
  }

  forgetCompletedBefore(time: number): void {
    this.#run("DELETE FROM completed WHERE completed < ?", time);
  }

  #get<T>(sql: string, ...values: SqlValue[]): T | undefined {
    return readable(this.#statements.get<T>(sql, ...values.map(storable)));
  }

  #all<T>(sql: string, ...values: SqlValue[]): T[] {
    return this.#statements.all<T>(sql, ...values.map(storable)).map(readable);
  }

  /** The first column is a key. */
  #tuples<T extends readonly [string, ...SqlValue[]]>(sql: string, ...values: SqlValue[]): T[] {
    return this.#statements.tuples<T>(sql, ...values.map(storable)).map((row) =>
      row[0].includes(ESCAPE) ? [unescaped(row[0]), ...row.slice(1)] as unknown as T : row
    );
  }

  #run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#write(sql, ...values).changes);
  }

  #write(sql: string, ...values: SqlValue[]): ReturnType<Statement["run"]> {
    return this.#statements.run(sql, ...values.map(storable));
  }
}

function rangeSql(column: string, range: TextRange): string {
  const lower = `${column} ${range.isFromIncluded ? ">=" : ">"} ?`;
  return range.before === undefined ? lower : `${lower} AND ${column} < ?`;
}

function rangeValues(range: TextRange): string[] {
  return range.before === undefined ? [range.from] : [range.from, range.before];
}

// node:sqlite ends a text at its first NUL. Keys may hold NULs, so NUL and the character after it are written as two
// characters; that keeps the order of the texts.
const ESCAPE = "\x01";

function storable(value: SqlValue): SqlValue {
  if (typeof value !== "string" || !(value.includes("\0") || value.includes(ESCAPE))) return value;
  return value.replaceAll(ESCAPE, ESCAPE + "\x02").replaceAll("\0", ESCAPE + ESCAPE);
}

function readable<T>(row: T): T {
  const columns = row as { key?: string; prefix?: string } | undefined;
  if (columns?.key?.includes(ESCAPE)) columns.key = unescaped(columns.key);
  if (columns?.prefix?.includes(ESCAPE)) columns.prefix = unescaped(columns.prefix);
  return row;
}

function unescaped(text: string): string {
  return text.replaceAll(ESCAPE + ESCAPE, "\0").replaceAll(ESCAPE + "\x02", ESCAPE);
}

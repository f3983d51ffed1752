/** The tables of the catalog, and the step from each version of them to the next. */

/**
 * The n-th entry leads from `user_version` n to n + 1. Never edit one that was released: add another.
 *
 * objects.etag NULL: a file that was found by hand-listing a folder and hasn't been read yet.
 * objects.size, mtime: of the plain file; as long as both fit, the file is the one this row describes.
 * journal: what must still be done to the files for them to agree with the rows (see journal.ts); one entry a key,
 * and one with the key '' for the bucket's folder itself.
 * directories.mtime NULL: never compared with the rows; else its folder was equal to the rows when it had that mtime.
 */
export const CATALOG_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE buckets(
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, owner TEXT, acl TEXT NOT NULL, cors TEXT, tags TEXT
  ) WITHOUT ROWID;
  CREATE TABLE objects(
    bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    mtime INTEGER NOT NULL, part_count INTEGER, meta TEXT NOT NULL, parts TEXT,
    PRIMARY KEY(bucket, key)
  ) WITHOUT ROWID;
  CREATE TABLE journal(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, action TEXT NOT NULL,
    body BLOB, temp TEXT, mtime INTEGER NOT NULL,
    UNIQUE(bucket, key)
  );
  CREATE TABLE directories(
    bucket TEXT NOT NULL, prefix TEXT NOT NULL, path TEXT NOT NULL, mtime INTEGER,
    PRIMARY KEY(bucket, prefix)
  ) WITHOUT ROWID;
  CREATE TABLE uploads(
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated INTEGER NOT NULL, initiator TEXT,
    meta TEXT NOT NULL, checksum TEXT
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX uploads_by_key ON uploads(bucket, key, id);
  CREATE TABLE parts(
    upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL,
    checksum TEXT, temp TEXT NOT NULL,
    PRIMARY KEY(upload, number)
  ) WITHOUT ROWID;
  CREATE TABLE completed(
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, completed INTEGER NOT NULL, object TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX completed_by_time ON completed(completed);
  `,
];

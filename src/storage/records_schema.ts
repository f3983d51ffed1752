/** The tables of a cluster node's records, and the step from each version of them to the next. */

/**
 * See `migrate`. Never edit one that was released: add another.
 *
 * Names are texts as name_text.ts writes them.
 * records: live ones apart from tombstones, so that listings don't wade through what was deleted. seq: the place in the
 * feed. hash: record_digest.ts, 0 of a tombstone. patches NULL: none.
 * bodies: what the records of listings must do without. blocks: entries of 32 bytes of hash and 4 of size, big-endian;
 * both NULL: inline and empty.
 * block_refs.count: how often live records refer to the block.
 * pieces: record_pieces.ts.
 * feed.ceiling: no seq above it was ever given.
 */
export const RECORDS_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE records(
    deleted INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, seq INTEGER NOT NULL, hash INTEGER NOT NULL,
    body INTEGER, patches TEXT, data TEXT NOT NULL,
    PRIMARY KEY(deleted, name)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX records_by_seq ON records(seq);
  CREATE INDEX tombstones_by_seq ON records(seq, version) WHERE deleted = 1;
  CREATE TABLE bodies(id INTEGER PRIMARY KEY, blocks BLOB, inline BLOB);
  CREATE TABLE block_refs(
    hash BLOB PRIMARY KEY, size INTEGER NOT NULL, count INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE pieces(
    first TEXT PRIMARY KEY, records INTEGER NOT NULL, live INTEGER NOT NULL, sum INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO pieces(first, records, live, sum) VALUES('', 0, 0, 0);
  CREATE TABLE totals(
    buckets INTEGER NOT NULL, objects INTEGER NOT NULL, uploads INTEGER NOT NULL, parts INTEGER NOT NULL,
    tombstones INTEGER NOT NULL, referenced_bytes INTEGER NOT NULL, distinct_bytes INTEGER NOT NULL
  );
  INSERT INTO totals VALUES(0, 0, 0, 0, 0, 0, 0);
  CREATE TABLE node_values(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE feed(id TEXT NOT NULL, ceiling INTEGER NOT NULL);
  `,
];

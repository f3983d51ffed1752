/** What the parts of the ContentStore suite share: how a test gets its store, and short ways to say a record or a block. */

import { blake3Hex } from "../../../src/blake3.ts";
import type { ContentStore, RecordRange } from "../../../src/storage/content_store.ts";
import {
  type BlockRef,
  type Json,
  objectName,
  type Record,
  type RecordName,
  type Version,
} from "../../../src/storage/record.ts";

/** A store, what a disk may do to it behind its back, and whatever it takes to be rid of it again. */
export interface ContentFixture extends AsyncDisposable {
  /** The one that is open now. */
  readonly store: ContentStore;
  /** Closes and opens it again. */
  reopen(): Promise<void>;
  /** Turns over a bit of a block's bytes where they are stored. */
  damageBlock(hash: string): void;
  /** Makes its bytes vanish. */
  loseBlock(hash: string): void;
}

export class Suite {
  readonly #name: string;
  readonly #open: () => Promise<ContentFixture>;

  constructor(name: string, open: () => Promise<ContentFixture>) {
    this.#name = name;
    this.#open = open;
  }

  /** A test with a store of its own, empty. */
  test(name: string, run: (fixture: ContentFixture) => Promise<void>): void {
    Deno.test(`${this.#name}: ${name}`, async () => {
      await using fixture = await this.#open();
      await run(fixture);
    });
  }
}

/** The n-th version. */
export function version(n: number): Version {
  return n.toString(16).padStart(12, "0") + "000000" + "ab".repeat(20);
}

export type RecordFields = Partial<Omit<Record, "version" | "patches">> & {
  /** The number of its version. */
  readonly n: number;
  /** Numbers of the versions of its patches. */
  readonly patches?: { readonly [field: string]: number };
};

export function record({ n, patches = {}, ...fields }: RecordFields): Record {
  return {
    ...objectName("bucket", "key"),
    isDeleted: false,
    data: { n },
    blocks: [],
    inline: undefined,
    ...fields,
    version: version(n),
    patches: Object.fromEntries(
      Object.entries(patches).map((
        [field, m],
      ) => [field, { version: version(m), value: `${field} ${m}` as Json }]),
    ),
  };
}

export function object(key: string, n: number, fields: Partial<RecordFields> = {}): Record {
  return record({ ...objectName("bucket", key), n, ...fields });
}

export function allObjects(bucket = "bucket"): RecordRange {
  return { kind: "object", bucket, from: { kind: "from", key: "" }, before: undefined };
}

export function blockRef(n: number, size = 100 + n): BlockRef {
  return { hash: blake3Hex(`block ${n}`), size };
}

export function nameText({ kind, bucket, key, sub }: RecordName): string {
  return JSON.stringify([kind, bucket, key, sub]);
}

/** What a store must give for a record: one object more or less isn't the store's to decide. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** What must be so once a cluster has healed and come to rest: all nodes know the same, list the same and give the same bytes. */

import type { ContentStore, RecordStore } from "../../src/storage/content_store.ts";
import { nameKey, type RecordName } from "../../src/storage/record.ts";
import type { ListPosition, ObjectInfo, ObjectStore } from "../../src/storage/object_store.ts";
import type { Contents } from "./contents.ts";
import type { Door } from "./door.ts";
import { BrokenPromise } from "./history.ts";
import { readContent, versionOf } from "./object_steps.ts";

const NAMES_AT_ONCE = 1000;
const DIFFERENCES_SHOWN = 10;

/** Node → its records. */
export type RecordStores = ReadonlyMap<string, RecordStore>;

/** In words, what the live records of the nodes differ in; undefined when they are the same. Tombstones don't count. */
export function findDifference(stores: RecordStores): string | undefined {
  const stampsByName = new Map<string, Map<string, string>>();
  for (const [node, store] of stores) {
    for (const { name, stamp } of liveRecords(store)) {
      const stamps = stampsByName.get(nameKey(name)) ?? new Map<string, string>();
      stampsByName.set(nameKey(name), stamps.set(node, stamp));
    }
  }
  const differing = [...stampsByName].filter(([, stamps]) =>
    stamps.size !== stores.size || new Set(stamps.values()).size !== 1
  );
  if (differing.length === 0) return undefined;
  const lines = differing.slice(0, DIFFERENCES_SHOWN).map(([name, stamps]) => {
    const held = [...stores.keys()].map((node) => `${node}: ${stamps.get(node) ?? "nothing"}`);
    return `  ${name.replaceAll("\0", " ")}: ${held.join(", ")}`;
  });
  return `${differing.length} records differ:\n${lines.join("\n")}`;
}

function* liveRecords(
  store: RecordStore,
): Generator<{ readonly name: RecordName; readonly stamp: string }> {
  let after: RecordName | undefined;
  while (true) {
    const page = store.names(after, undefined, NAMES_AT_ONCE);
    for (const entry of page) if (store.find(entry.name)?.isDeleted === false) yield entry;
    after = page.at(-1)?.name;
    if (page.length < NAMES_AT_ONCE) return;
  }
}

/** In words, which blocks of live records have fewer than `replicas` copies, and which have no use; undefined when there are none. */
export function findMisplaced(
  disks: ReadonlyMap<string, ContentStore>,
  replicas: number,
): string | undefined {
  const wanted = Math.min(replicas, disks.size);
  const problems: string[] = [];
  const referenced = new Set<string>();
  const copies = new Map<string, string[]>();
  for (const [node, { records, blocks }] of disks) {
    for (const { hash } of allAfter((after) => records.references(after, NAMES_AT_ONCE))) {
      referenced.add(hash);
    }
    for (const { hash } of allAfter((after) => blocks.list(after, NAMES_AT_ONCE).map(hashed))) {
      copies.set(hash, [...copies.get(hash) ?? [], node]);
    }
  }
  for (const hash of referenced) {
    const held = copies.get(hash) ?? [];
    if (held.length < wanted) problems.push(`  ${hash} has ${held.length} copies (${held})`);
  }
  for (const [hash, held] of copies) {
    if (!referenced.has(hash)) problems.push(`  ${hash} is of no use (${held})`);
  }
  return problems.length === 0 ? undefined : problems.slice(0, DIFFERENCES_SHOWN).join("\n");
}

function hashed(hash: string): { readonly hash: string } {
  return { hash };
}

function* allAfter<T extends { readonly hash: string }>(
  page: (after: string) => readonly T[],
): Generator<T> {
  for (let after = "";;) {
    const found = page(after);
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < NAMES_AT_ONCE) return;
    after = last.hash;
  }
}

/**
 * Every node lists the same buckets and objects, and every object listed can be read from every node, whole. Gives how many
 * objects there are. Throws BrokenPromise.
 */
export async function assertAlike(doors: readonly Door[], contents: Contents): Promise<number> {
  const lists = await Promise.all(doors.map((door) => door.request(listAll)));
  const [first = []] = lists;
  const texts = lists.map((objects) =>
    objects.map(({ bucket, key, meta }) => `${bucket}/${key} ${meta.user["id"]}`).join("\n")
  );
  for (const [index, text] of texts.entries()) {
    if (text === texts[0]) continue;
    throw new BrokenPromise(
      `${doors[0]?.node} and ${doors[index]?.node} list differently:\n${texts[0]}\nand\n${text}`,
    );
  }
  for (const door of doors) {
    for (const info of first) {
      const { id } = await door.request((store) => readContent(store, info, contents));
      const listed = versionOf(info, contents).id;
      if (id === listed) continue;
      throw new BrokenPromise(`${door.node} gives ${id} for ${info.key}, which is ${listed}`);
    }
  }
  return first.length;
}

async function listAll(store: ObjectStore): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for (const { name } of await store.listBuckets()) {
    let after: ListPosition | undefined = { kind: "start" };
    while (after !== undefined) {
      const query = { prefix: "", delimiter: "", after, limit: NAMES_AT_ONCE };
      const page = await store.list(name, query);
      for (const entry of page.entries) if (entry.kind === "object") objects.push(entry.object);
      after = page.next;
    }
  }
  return objects;
}

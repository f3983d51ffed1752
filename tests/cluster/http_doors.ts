/** The nodes of a real cluster as doors of the simulator's workload, so that its judge has the last word here too. */

import type {
  CompleteRequest,
  ListPage,
  ListQuery,
  ObjectInfo,
  ObjectStore,
} from "../../src/storage/object_store.ts";
import type { Content, Contents } from "../sim/contents.ts";
import { ConnectionLost, type Door } from "../sim/door.ts";
import { etagsOf, metaOf } from "../sim/object_steps.ts";
import type { KeyStep } from "../sim/key_client.ts";

const KiB = 1024;

/**
 * What the clients of a real cluster do: all that is one request. S3 shows no ids of versions where it lists, so ETags must tell
 * them apart: no two contents are the same, which rules out copies, and nothing is empty.
 */
export const REAL_WORKLOAD = {
  clients: 4,
  keys: ["a", "b", "dir/a", "dir/b"],
  keySteps: [
    ...["put", "put", "put", "get", "get", "get", "head"],
    ...["delete", "list", "list", "upload"],
  ] as readonly KeyStep[],
  bodySizes: [10, 4 * KiB - 1, 4 * KiB, 20 * KiB, 20 * KiB, 1024 * KiB + 1],
  bodyVariants: "unlimited",
  thinkMsMax: 100,
  requestMsMax: 10_000,
} as const;

/** A door to the node that `store` is a client of. A connection that breaks is what ConnectionLost stands for. */
export function httpDoor(node: string, store: ObjectStore, contents: () => Contents): Door {
  const named = namingVersions(store, contents);
  return {
    node,
    request: async (ask) => {
      try {
        return await ask(named);
      } catch (error) {
        if (isBrokenConnection(error)) throw new ConnectionLost(`${node}: ${error}`);
        throw error;
      }
    },
  };
}

/** The store, with the ids of versions where S3 doesn't tell them. */
function namingVersions(store: ObjectStore, contents: () => Contents): ObjectStore {
  const byEtag = new Map<string, Content>();
  const seen = new Set<Content>();
  const find = (etag: string) => {
    for (const content of contents().all()) {
      if (seen.has(content)) continue;
      seen.add(content);
      for (const each of etagsOf(content)) byEtag.set(each, content);
    }
    return byEtag.get(etag);
  };
  const named = (info: ObjectInfo): ObjectInfo => {
    const content = find(info.etag);
    return content === undefined
      ? info
      : { ...info, size: content.bytes.length, meta: { ...info.meta, ...metaOf(content) } };
  };
  const list = async (bucket: string, query: ListQuery): Promise<ListPage> => {
    const page = await store.list(bucket, query);
    const entries = page.entries.map((entry) =>
      entry.kind === "object" ? { ...entry, object: named(entry.object) } : entry
    );
    return { ...page, entries };
  };
  const completeUpload = async (request: CompleteRequest) =>
    named(await store.completeUpload(request));
  return new Proxy(store, {
    get(target, name) {
      if (name === "list") return list;
      if (name === "completeUpload") return completeUpload;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const BROKEN = ["ECONNRESET", "ECONNREFUSED", "EPIPE"];

function isBrokenConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && BROKEN.includes(String(error.code));
}

/** The objects that scenarios read, replace and delete, and what reads, replaces and deletes them. */

import { Connection } from "./connection.ts";
import { runLoad } from "./load.ts";
import { type Addressee, type Draft, signWhole, toPayload } from "./requests.ts";
import { BUCKET } from "./subject.ts";

export interface ObjectSet {
  /** The ceiling knows the size by it. */
  readonly folder: string;
  readonly count: number;
  readonly sizeBytes: number;
}

const UNIQUE_BYTES = 16;
/** Disks may be quick with zeros. */
const NOISE = crypto.getRandomValues(new Uint8Array(64 * 1024));
const PREPARING_CONNECTIONS = 16;
/** Larger ones don't go through wrk, which keeps all requests in memory. */
const PREPARED_BYTES_MAX = 8 * 1024 * 1024;

export function pathOf({ folder }: Pick<ObjectSet, "folder">, n: number): string {
  return `/${BUCKET}/${folder}/${String(n).padStart(6, "0")}`;
}

export function draftsOf(method: "GET" | "HEAD" | "PUT" | "DELETE", set: ObjectSet): Draft[] {
  return Array.from({ length: set.count }, (_, n) => ({
    method,
    path: pathOf(set, n),
    ...(method === "PUT" ? { payload: toPayload(makeBody(set.sizeBytes)) } : {}),
  }));
}

/** No two are the same: a cluster would keep their blocks only once. */
export function makeBody(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  for (let end = 0; end < sizeBytes; end += NOISE.length) {
    bytes.set(NOISE.subarray(0, sizeBytes - end), end);
  }
  crypto.getRandomValues(bytes.subarray(0, UNIQUE_BYTES));
  return bytes;
}

export async function putObjects(set: ObjectSet, addressee: Addressee): Promise<void> {
  const drafts = draftsOf("PUT", set);
  if (set.sizeBytes <= PREPARED_BYTES_MAX) return await sendOnce(drafts, addressee);
  using connection = await Connection.open(addressee);
  for (const draft of drafts) await connection.ask(draft);
}

export async function sendOnce(drafts: readonly Draft[], addressee: Addressee): Promise<void> {
  await runLoad({
    port: addressee.port,
    connections: PREPARING_CONNECTIONS,
    requests: drafts.map((draft) => signWhole(draft, addressee)),
    pace: { kind: "once" },
    program: "wrk",
  });
}

/** What is measured of a node. */

import type { RecordStoreStats } from "../storage/content_store.ts";
import type { Exposition } from "./exposition.ts";

/** What a node says of itself. */
export interface NodeGauges {
  readonly isReady: boolean;
  /** How many members are in each stage of joining or leaving. */
  readonly members: ReadonlyMap<string, number>;
  readonly underReplicatedBlocks: number;
  readonly recordsBehind: number;
  readonly garbageWaitingBlocks: number;
  readonly counters: { readonly [name: string]: number };
  readonly records: RecordStoreStats;
}

export function exposeNode(page: Exposition, node: NodeGauges): void {
  const { records } = node;
  page.gauge("zs3_cluster_ready", "Whether this node has joined.", [[{}, Number(node.isReady)]]);
  page.gauge(
    "zs3_cluster_members",
    "Members by how far they have joined or left.",
    Array.from(node.members, ([state, count]) => [{ state }, count] as const),
  );
  page.gauge(
    "zs3_cluster_records",
    "Records that this node has.",
    Object.entries({ ...records.live, tombstone: records.tombstones })
      .map(([kind, count]) => [{ kind }, count] as const),
  );
  page.gauge("zs3_cluster_referenced_bytes", "Bytes of all objects and parts, in blocks.", [
    [{}, records.referencedBytes],
  ]);
  page.gauge("zs3_cluster_distinct_bytes", "The same with each block counted once.", [
    [{}, records.distinctBytes],
  ]);
  page.gauge("zs3_cluster_records_behind", "Changes of others that this node hasn't yet.", [
    [{}, node.recordsBehind],
  ]);
  page.gauge(
    "zs3_cluster_under_replicated_blocks",
    "Blocks that this node should have and hasn't yet.",
    [[{}, node.underReplicatedBlocks]],
  );
  page.gauge("zs3_cluster_garbage_blocks", "Blocks that no record refers to any more.", [
    [{}, node.garbageWaitingBlocks],
  ]);
  page.counter(
    "zs3_cluster_events_total",
    "What this node has done since its start.",
    Object.entries(node.counters).map(([event, count]) => [{ event }, count] as const),
  );
}

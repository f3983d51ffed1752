/** The real nodes of src/cluster in a simulation: with short terms, so that a run has to wait for nothing. */

import { ClusterNode } from "../../src/cluster/cluster_node.ts";
import { CLUSTER_RULES, type ClusterRules, type QuorumTerms } from "../../src/cluster/rules.ts";
import type { VersionClock } from "../../src/cluster/hybrid_clock.ts";
import { S3Error } from "../../src/errors.ts";
import { type NodeId, PeerError, PeerFault } from "../../src/peer/transport.ts";
import type { Timers } from "../../src/timers.ts";
import type { OpenNode } from "./sim_cluster.ts";

export const SIM_TERMS: QuorumTerms = { replicas: 3, writeQuorum: 2, readQuorum: 2 };

export const SIM_TIMES = {
  discoveryMs: 0,
  gossipIntervalMs: 1_000,
  gcGraceMs: 30_000,
  goneAfterMs: 60_000,
  uploadAgeMsMax: 3_600_000,
  tombstoneAgeMs: 120_000,
} as const;

export type SimTimes = { readonly [Name in keyof typeof SIM_TIMES]: number };

export interface ClusterNodesOptions {
  readonly times?: Partial<SimTimes>;
  /** Replaces some of a node's decisions: to see that a simulation finds out. */
  readonly rules?: Partial<ClusterRules>;
  /** The same for the clock that gives versions. */
  readonly makeVersions?: (timers: Timers, node: NodeId) => VersionClock;
}

export function clusterNodes(
  { times, rules, makeVersions }: ClusterNodesOptions = {},
): OpenNode {
  return async ({ contact, content, transport, timers, random, bootstrap }, fail) => {
    const node = await ClusterNode.open({
      ...SIM_TIMES,
      ...times,
      ...(makeVersions && { versions: makeVersions(timers, contact.id) }),
      self: contact,
      content,
      transport,
      timers,
      random,
      bootstrap,
      terms: SIM_TERMS,
      rules: { ...CLUSTER_RULES, ...rules },
      onFault: (_what, error) => {
        if (!isOthersFault(error)) fail(error);
      },
    });
    return {
      store: node.store,
      handler: (from, message) => node.handle(from, message),
      isReady: () => node.isReady,
      describe: () => JSON.stringify(node.status()),
    };
  };
}

/** What the network, or a peer that can't, brings about; all else is a mistake of the node. */
function isOthersFault(error: unknown): boolean {
  return error instanceof PeerError || error instanceof PeerFault || error instanceof S3Error;
}

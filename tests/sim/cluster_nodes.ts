/** The real nodes of src/cluster in a simulation: with short terms, so that a run has to wait for nothing. */

import { ClusterNode } from "../../src/cluster/cluster_node.ts";
import { CLUSTER_RULES, type ClusterRules, type QuorumTerms } from "../../src/cluster/rules.ts";
import { S3Error } from "../../src/errors.ts";
import { PeerError, PeerFault } from "../../src/peer/transport.ts";
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

/** `rules` replaces some of a node's decisions: to see that a simulation finds out. */
export function clusterNodes(rules: Partial<ClusterRules> = {}): OpenNode {
  return async ({ contact, content, transport, timers, random, bootstrap }, fail) => {
    const node = await ClusterNode.open({
      ...SIM_TIMES,
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

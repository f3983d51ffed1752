/**
 * The decisions on which the promises of a cluster rest, each a pure function in one place. Nodes get them handed in: the
 * simulator proves that each is needed by breaking one at a time (tests/sim/mutations.test.ts).
 */

import { mergeRecords, type Record, type Version } from "../storage/record.ts";

export interface QuorumTerms {
  /** Copies that a record should have (`--replicas`). */
  readonly replicas: number;
  /** Nodes that must have a write before it is acknowledged (`--write-quorum`). */
  readonly writeQuorum: number;
  /** Nodes that must answer a read at least (`--read-quorum`). */
  readonly readQuorum: number;
}

export interface ClusterRules {
  /** Acknowledgements that make a write durable, when `voters` nodes count towards it. */
  writesNeeded(terms: QuorumTerms, voters: number): number;
  /** Answers that a read needs of the `asked` nodes that may hold what was acknowledged, when writers count at least `settled` nodes. */
  readsNeeded(terms: QuorumTerms, asked: number, settled: number): number;
  /** When a read that found its newest record on `confirmed` of the nodes that count gives it to those that lack it. */
  writeBack(confirmed: number, needed: number, isStale: boolean): "never" | "beside" | "first";
  /** What two copies of one record make. */
  merge(a: Record, b: Record): Record;
  /** Up to which change of this node, and below which version, tombstones may be forgotten. */
  forgettable(facts: {
    /** Every other member has followed this node's changes up to here. */
    readonly followedSeq: number;
    readonly lastSeq: number;
    /** What is below is so old that no message that tells of it can still be on its way. */
    readonly oldVersion: Version;
  }): { readonly untilSeq: number; readonly before: Version };
  /** Whether a block that no record here refers to may be removed. */
  isGarbage(
    facts: {
      readonly isLeased: boolean;
      readonly isPastGrace: boolean;
      readonly isSynced: boolean;
    },
  ): boolean;
}

export const CLUSTER_RULES: ClusterRules = {
  writesNeeded: ({ writeQuorum }, voters) => Math.max(1, Math.min(writeQuorum, voters)),
  // All but W - 1: whichever W nodes have the write, one of them answers.
  readsNeeded: ({ writeQuorum, readQuorum }, asked, settled) => {
    const written = Math.max(1, Math.min(writeQuorum, settled));
    return Math.max(asked - written + 1, Math.min(readQuorum, asked));
  },
  // What is on fewer nodes than a write needs might not be found by the next read.
  writeBack: (confirmed, needed, isStale) => {
    if (confirmed < needed) return "first";
    return isStale ? "beside" : "never";
  },
  merge: mergeRecords,
  forgettable: ({ followedSeq, oldVersion }) => ({ untilSeq: followedSeq, before: oldVersion }),
  isGarbage: ({ isLeased, isPastGrace, isSynced }) => !isLeased && isPastGrace && isSynced,
};

/** The flags of distributed mode → how a node takes part in its cluster, with the rules between them. */

import type { KeyPair } from "../auth/keyring.ts";
import { FLAG_NAMES, type FlagName, flagOf } from "./flags.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

export interface ClusterConfig {
  /** Nodes to join, as `host:port` or `[v6]:port`. None: those that are found, known from before, or nobody. */
  readonly bootstrap: readonly string[];
  readonly gossipIntervalMs: number;
  /** undefined: derived from the administrator's key pair, which is there then. Never to be printed. */
  readonly clusterSecret: string | undefined;
  /** PEM file of the authority to trust, besides the system's, when nodes speak https. */
  readonly tlsCaFile: string | undefined;
  /** Where other nodes reach this one, as `host:port` or `[v6]:port`; undefined: to be found out. */
  readonly advertise: string | undefined;
  readonly replicas: number;
  /** At most `replicas`. */
  readonly writeQuorum: number;
  /** At most `replicas`; with `writeQuorum` more than those, so that a read meets every write. */
  readonly readQuorum: number;
  readonly discovery: "lan" | "off";
  /** How long a block that nothing refers to is kept. */
  readonly gcGraceMs: number;
  /** After which silence a node is given up, and its share rebuilt elsewhere. */
  readonly goneAfterMs: number;
}

/** undefined when the node stands alone. Throws UsageError. */
export function parseCluster(
  settings: Settings,
  keyPairs: readonly KeyPair[],
): ClusterConfig | undefined {
  if (settings.value("distributed") !== true) {
    refuseWithout(settings);
    return undefined;
  }
  const clusterSecret = settings.value("cluster-secret");
  if (clusterSecret === undefined && !keyPairs.some((pair) => pair.role === "admin")) {
    throw new UsageError(
      "--distributed needs --cluster-secret or an administrator's key to derive it from",
    );
  }
  return {
    bootstrap: settings.value("bootstrap") ?? [],
    gossipIntervalMs: settings.value("gossip-interval-ms"),
    clusterSecret,
    tlsCaFile: settings.value("tls-ca"),
    advertise: settings.value("advertise"),
    ...parseQuorums(settings),
    discovery: settings.value("discovery"),
    gcGraceMs: settings.value("gc-grace"),
    goneAfterMs: settings.value("gone-after"),
  };
}

/** A flag that would do nothing is a mistake: most likely --distributed was forgotten. A mistake in its value is told first. */
function refuseWithout(settings: Settings): void {
  for (const name of FLAG_NAMES.filter((name) => flagOf(name).group === "Cluster")) {
    const origin = settings.findOrigin(name);
    if (origin === undefined || settings.value(name) === false) continue;
    throw new UsageError(`${origin} needs --distributed`);
  }
}

/** Not given, a write needs the majority of the replicas, and a read as many as it takes to meet every write. */
function parseQuorums(
  settings: Settings,
): Pick<ClusterConfig, "replicas" | "writeQuorum" | "readQuorum"> {
  const replicas = settings.value("replicas");
  const writeQuorum = settings.value("write-quorum") ?? Math.floor(replicas / 2) + 1;
  refuseOver(settings, "write-quorum", writeQuorum, replicas);
  const readQuorum = settings.value("read-quorum") ?? replicas - writeQuorum + 1;
  refuseOver(settings, "read-quorum", readQuorum, replicas);
  if (writeQuorum + readQuorum > replicas) return { replicas, writeQuorum, readQuorum };
  throw new UsageError(
    `--write-quorum ${writeQuorum} and --read-quorum ${readQuorum} must be more than --replicas ` +
      `${replicas} together: a read would miss writes`,
  );
}

function refuseOver(settings: Settings, name: FlagName, quorum: number, replicas: number): void {
  if (quorum <= replicas) return;
  const origin = settings.findOrigin(name) ?? `--${name}`;
  throw new UsageError(`${origin} ${quorum} must not be more than --replicas ${replicas}`);
}

/** What start-up tells the person who started it, and the one line that a program waits for. */

import { resolve } from "node:path";
import type { Config } from "../config.ts";
import type { ClusterConfig } from "../config/cluster.ts";
import { VERSION } from "../version.ts";

/** The address to give to a client on this machine: an "any" address becomes the loopback one. */
export function baseUrl(config: Pick<Config, "host" | "tls">, port: number): string {
  const host = config.host === "0.0.0.0" ? "127.0.0.1" : config.host === "::" ? "::1" : config.host;
  const scheme = config.tls === undefined ? "http" : "https";
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The last line of start-up, on stdout: requests will succeed from now on. Stable: scripts wait for it. */
export function readyLine(url: string): string {
  return `zs3 ready ${url}`;
}

/** Lines for a person. Names keys only when they are the default pair, which everybody knows. */
export function bannerLines(config: Config, url: string): string[] {
  return [
    `zs3 ${VERSION}`,
    `  listens   ${url}${
      isAnyAddress(config.host) ? " and every other address of this machine" : ""
    }`,
    `  data      ${resolve(config.dataDir)} (${DURABILITY[config.durability]})`,
    ...(config.cluster === undefined ? [] : [`  cluster   ${clusterText(config.cluster)}`]),
    ...(config.buckets.length === 0 ? [] : [`  buckets   ${bucketList(config)}`]),
    ...warnings(config).map((warning) => `  warning   ${warning}`),
    `  try       ${tryLine(config, url)}`,
  ];
}

const DURABILITY = {
  strict: "strict: a reply means on disk",
  relaxed: "relaxed: the last moments may be lost in a power cut",
} satisfies Record<Config["durability"], string>;

const DEFAULT_KEYS_WARNING =
  "the default keys minioadmin/minioadmin are in force: set --access-key and --secret-key";

/** What a secret should have at least: MinIO demands as much. */
const SECRET_CHARS_ENOUGH = 8;

const KNOWN_CLUSTER_SECRET_WARNING =
  "the cluster's secret is derived from them: whoever reaches this port can join, read and write";

function warnings(config: Config): string[] {
  if (config.usesDefaultKeys) {
    const isSecretKnown = config.cluster !== undefined &&
      config.cluster.clusterSecret === undefined;
    return [DEFAULT_KEYS_WARNING, ...(isSecretKnown ? [KNOWN_CLUSTER_SECRET_WARNING] : [])];
  }
  const isWeak = config.keyPairs.some((pair) => pair.secretKey.length < SECRET_CHARS_ENOUGH);
  return isWeak
    ? [`a secret has fewer than ${SECRET_CHARS_ENOUGH} characters and can be guessed`]
    : [];
}

function tryLine(config: Config, url: string): string {
  const keys = config.usesDefaultKeys
    ? "AWS_ACCESS_KEY_ID=minioadmin AWS_SECRET_ACCESS_KEY=minioadmin "
    : "";
  const region = config.region === undefined ? "" : ` --region ${config.region}`;
  return `${keys}aws --endpoint-url ${url}${region} s3 ls`;
}

/** "3 replicas, 2 for a write, 2 for a read; told of a:1, b:2; looks for nodes on the local network". */
function clusterText(cluster: ClusterConfig): string {
  const { replicas, writeQuorum, readQuorum, bootstrap, discovery } = cluster;
  return [
    `${replicas} replicas, ${writeQuorum} for a write, ${readQuorum} for a read`,
    ...(bootstrap.length === 0 ? [] : [`told of ${bootstrap.join(", ")}`]),
    ...(discovery === "lan" ? ["looks for nodes on the local network"] : []),
  ].join("; ");
}

function bucketList(config: Config): string {
  return config.buckets.map(({ name, acl }) => acl === "public-read" ? `${name} (public)` : name)
    .join(", ");
}

function isAnyAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** What the program is told to do: command line, environment and config file, validated into one value. Reads no file, prints nothing. */

import type { KeyPair } from "./auth/keyring.ts";
import { type Command, parseArguments } from "./config/arguments.ts";
import { type CheckConfig, parseBackup, parseCheck } from "./config/check.ts";
import type { ConfigFile } from "./config/config_file.ts";
import { type ClusterConfig, parseCluster } from "./config/cluster.ts";
import { type Environment, Settings } from "./config/settings.ts";
import { UsageError } from "./config/usage_error.ts";
import type { BucketSpec } from "./config/values.ts";
import type { ConnectionLimits } from "./http/connections.ts";

/** MinIO's well-known pair: what every tutorial for local S3 uses. Only in force when no key is configured at all. */
export const DEFAULT_KEY_PAIR: KeyPair = {
  accessKeyId: "minioadmin",
  secretKey: "minioadmin",
  role: "admin",
};

/** The region that the server says it is in when none is configured: the one that clients take for granted. */
export const DEFAULT_REGION = "us-east-1";

export interface Config {
  readonly command: Command;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** As given: relative to the working directory. */
  readonly dataDir: string;
  /** The administrator first when there is one. Ids are distinct. */
  readonly keyPairs: readonly KeyPair[];
  readonly usesDefaultKeys: boolean;
  readonly buckets: readonly BucketSpec[];
  readonly durability: "strict" | "relaxed";
  /** undefined: signatures of any region are accepted. */
  readonly region: string | undefined;
  /** Lower case; empty when no virtual-host addressing is configured. */
  readonly domains: readonly string[];
  readonly logLevel: "error" | "info" | "access";
  readonly log: "text" | "json" | "off";
  readonly connectionLimits: ConnectionLimits;
  /** Requests that are answered at once. */
  readonly requestsMax: number;
  /** Bytes of memory for bodies that are being received. */
  readonly bodyMemoryBytesMax: number;
  /** A sender that is silent for so long is given up. */
  readonly bodyIdleMsMax: number;
  /** Who sees `/_zs3/metrics`: this machine and administrators, or everybody. */
  readonly metrics: "private" | "public";
  readonly uploadAgeMsMax: number;
  /** undefined when not distributed. */
  readonly cluster: ClusterConfig | undefined;
  /** The data dir that `import` reads, as given; undefined for every other command. */
  readonly importFrom: string | undefined;
  readonly check: CheckConfig;
  /** The folder that `backup` makes, as given; undefined for every other command. */
  readonly backupTo: string | undefined;
}

/**
 * Order: flag, `ZS3_…` variable, alias variable, config file, default. An empty variable counts as absent. Throws UsageError.
 *
 * `--help` and `--version` win over everything else, so that they work beside a mistake in a value.
 */
export function parseConfig(
  words: readonly string[],
  environment: Environment,
  file?: ConfigFile,
): Config {
  const { command, flags } = parseArguments(words);
  const settings = new Settings(flags, environment, file);
  if (settings.value("help")) return parseConfig(["help"], {});
  if (settings.value("version")) return parseConfig(["version"], {});
  const keys = parseKeyPairs(settings);
  const dataDir = settings.value("data-dir");
  return {
    command,
    host: settings.value("host"),
    port: settings.value("port"),
    tls: parseTls(settings),
    dataDir,
    ...keys,
    buckets: settings.value("buckets") ?? [],
    durability: settings.value("durability"),
    region: settings.value("region"),
    domains: settings.value("domain") ?? [],
    logLevel: settings.value("log-level"),
    log: settings.value("log"),
    connectionLimits: {
      connectionsMax: settings.value("max-connections"),
      headMsMax: settings.value("header-timeout"),
      idleMsMax: settings.value("idle-timeout"),
      replyMsMax: settings.value("reply-timeout"),
    },
    requestsMax: settings.value("max-requests"),
    bodyMemoryBytesMax: settings.value("max-body-memory"),
    bodyIdleMsMax: settings.value("body-timeout"),
    metrics: settings.value("metrics"),
    uploadAgeMsMax: settings.value("upload-max-age"),
    cluster: parseCluster(settings, keys.keyPairs),
    importFrom: parseImport(command, settings.value("from"), dataDir),
    check: parseCheck(command, settings),
    backupTo: parseBackup(command, settings.value("to"), dataDir),
  };
}

function parseImport(
  command: Command,
  from: string | undefined,
  dataDir: string,
): string | undefined {
  if (command !== "import" && from !== undefined) {
    throw new UsageError(`--from belongs to import, not to ${command}`);
  }
  if (command === "import" && from === undefined) {
    throw new UsageError("import needs --from: the data dir of a standalone server");
  }
  if (from === dataDir) throw new UsageError("--from and --data-dir must be two folders");
  return from;
}

function parseTls(settings: Settings): Config["tls"] {
  const certFile = settings.value("tls-cert");
  const keyFile = settings.value("tls-key");
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError("--tls-cert and --tls-key go together: one is missing");
  }
  return { certFile, keyFile };
}

function parseKeyPairs(settings: Settings): Pick<Config, "keyPairs" | "usesDefaultKeys"> {
  const accessKeyId = settings.value("access-key");
  const secretKey = settings.value("secret-key");
  const others = settings.value("acl") ?? [];
  if (accessKeyId === undefined && secretKey === undefined) {
    // With --acl alone the well-known pair must not stay a back door.
    return others.length > 0
      ? { keyPairs: others, usesDefaultKeys: false }
      : { keyPairs: [DEFAULT_KEY_PAIR], usesDefaultKeys: true };
  }
  if (accessKeyId === undefined || secretKey === undefined) {
    throw new UsageError("--access-key and --secret-key go together: one is missing");
  }
  if (others.some((pair) => pair.accessKeyId === accessKeyId)) {
    throw new UsageError("--acl must not repeat the key of --access-key");
  }
  const root: KeyPair = { accessKeyId, secretKey, role: "admin" };
  return {
    keyPairs: [root, ...others],
    usesDefaultKeys: accessKeyId === DEFAULT_KEY_PAIR.accessKeyId &&
      secretKey === DEFAULT_KEY_PAIR.secretKey,
  };
}

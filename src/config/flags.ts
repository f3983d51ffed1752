/** The table of flags: parsing, `--help`, environment variables and suggestions all come from here. */

import { LIMITS } from "../limits.ts";
import {
  integer,
  oneOf,
  parseAccessKey,
  parseAcl,
  parseBuckets,
  parseBytes,
  parseCount,
  parseDomains,
  parseDurationMs,
  parseHost,
  parsePeer,
  parsePeers,
  parsePort,
  type Parser,
  parseRegion,
  parseSecretKey,
  parseSwitch,
  parseText,
} from "./values.ts";

export interface Flag {
  /** Headings of `--help`, in its order. */
  readonly group:
    | "Server"
    | "Access"
    | "Storage"
    | "Cluster"
    | "Check"
    | "Backup"
    | "Import"
    | "Other";
  readonly help: string;
  /** What stands for the value in `--help`. A flag without it is a switch and takes no value. */
  readonly placeholder?: string;
  readonly parse: Parser<unknown>;
  /** The text in force when nothing else is given. Without it the value is then undefined. */
  readonly fallback?: string;
  readonly short?: string;
  /** Environment variables read after `ZS3_…`, first one first. */
  readonly aliases?: readonly string[];
  /** Its value is never repeated in a message. */
  readonly isSecret?: true;
  /** Only on the command line: no environment variable. */
  readonly isCommandLineOnly?: true;
}

export const FLAGS = {
  "host": {
    group: "Server",
    help: "address to listen on",
    placeholder: "ADDRESS",
    parse: parseHost,
    fallback: "0.0.0.0",
  },
  "port": {
    group: "Server",
    help: "port to listen on; 0 picks a free one",
    placeholder: "PORT",
    parse: parsePort,
    fallback: "9000",
  },
  "domain": {
    group: "Server",
    help: "also serve bucket.NAME as the bucket's address",
    placeholder: "NAME,…",
    parse: parseDomains,
    aliases: ["MINIO_DOMAIN"],
  },
  "region": {
    group: "Server",
    help: "the one region to accept in signatures; without it, any",
    placeholder: "NAME",
    parse: parseRegion,
    aliases: ["MINIO_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"],
  },
  "tls-cert": {
    group: "Server",
    help: "certificate chain (PEM); with --tls-key serves https",
    placeholder: "FILE",
    parse: parseText,
  },
  "tls-key": {
    group: "Server",
    help: "private key (PEM) of --tls-cert",
    placeholder: "FILE",
    parse: parseText,
  },
  "max-connections": {
    group: "Server",
    help: "connections open at once; a new one then takes the place of the one idle for longest",
    placeholder: "NUMBER",
    parse: parseCount,
    fallback: String(LIMITS.connectionsMax),
  },
  "header-timeout": {
    group: "Server",
    help: "a client that has connected must send its first request's head within this time",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: `${LIMITS.headMsMax / 1000}s`,
  },
  "idle-timeout": {
    group: "Server",
    help: "a connection is closed after this time without a request",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: `${LIMITS.idleMsMax / 60_000}m`,
  },
  "reply-timeout": {
    group: "Server",
    help: "a reply must be taken within this time, and a second more for each 16 KiB of it",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: `${LIMITS.replyMsMax / 60_000}m`,
  },
  "max-requests": {
    group: "Server",
    help: "requests answered at once; beyond it clients are told to slow down",
    placeholder: "NUMBER",
    parse: parseCount,
    fallback: String(LIMITS.requestsMax),
  },
  "max-body-memory": {
    group: "Server",
    help: "memory for bodies that are being received; beyond it they wait, then slow down",
    placeholder: "SIZE",
    parse: parseBytes,
    fallback: `${LIMITS.bodyMemoryBytesMax / 1024 / 1024}M`,
  },
  "body-timeout": {
    group: "Server",
    help: "a client that sends nothing for this long in the middle of a body is given up",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: `${LIMITS.bodyIdleMsMax / 1000}s`,
  },
  "log": {
    group: "Server",
    help: "what the log on stderr looks like: text, json or off",
    placeholder: "FORM",
    parse: oneOf("text", "json", "off"),
    fallback: "text",
  },
  "log-level": {
    group: "Server",
    help: "error: faults; info: also what SIGHUP changed; access: also a line for each request",
    placeholder: "LEVEL",
    parse: oneOf("error", "info", "access"),
    fallback: "access",
  },
  "metrics": {
    group: "Access",
    help: "who sees /_zs3/metrics: private (this machine, administrators) or public",
    placeholder: "WHO",
    parse: oneOf("private", "public"),
    fallback: "private",
  },
  "access-key": {
    group: "Access",
    help: "key id of the administrator; without any key, MinIO's well-known pair",
    placeholder: "ID",
    parse: parseAccessKey,
    aliases: ["MINIO_ROOT_USER"],
  },
  "secret-key": {
    group: "Access",
    help: "secret of --access-key; better given by its variable",
    placeholder: "SECRET",
    parse: parseSecretKey,
    aliases: ["MINIO_ROOT_PASSWORD"],
    isSecret: true,
  },
  "acl": {
    group: "Access",
    help: "further keys as role:key:secret,… with role admin, writer, reader or user",
    placeholder: "KEYS",
    parse: parseAcl,
    isSecret: true,
  },
  "data-dir": {
    group: "Storage",
    help: "folder that holds buckets as folders and objects as files",
    placeholder: "FOLDER",
    parse: parseText,
    fallback: "data",
  },
  "buckets": {
    group: "Storage",
    help: "buckets to make at start, as name[:public],…",
    placeholder: "NAMES",
    parse: parseBuckets,
  },
  "durability": {
    group: "Storage",
    help: "strict: a reply survives a power cut; relaxed: it survives kill -9",
    placeholder: "MODE",
    parse: oneOf("strict", "relaxed"),
    fallback: "strict",
  },
  "upload-max-age": {
    group: "Storage",
    help: "unfinished multipart uploads are removed after this time",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: "7d",
  },
  "distributed": {
    group: "Cluster",
    help: "be a node of a cluster; its data dir holds blocks and records instead",
    parse: parseSwitch,
    short: "d",
  },
  "bootstrap": {
    group: "Cluster",
    help: "nodes to join; one that answers is enough",
    placeholder: "HOST:PORT,…",
    parse: parsePeers,
  },
  "gossip-interval-ms": {
    group: "Cluster",
    help: "time between rounds of gossip",
    placeholder: "MS",
    parse: integer(100, 3_600_000),
    fallback: "30000",
  },
  "cluster-secret": {
    group: "Cluster",
    help:
      "secret shared by all nodes; better given by its variable; without it, derived from the administrator's key pair",
    placeholder: "SECRET",
    parse: parseSecretKey,
    isSecret: true,
  },
  "tls-ca": {
    group: "Cluster",
    help: "authority (PEM) that signed the other nodes' certificates, when they serve https",
    placeholder: "FILE",
    parse: parseText,
  },
  "advertise": {
    group: "Cluster",
    help: "address at which other nodes reach this one; without it, found out",
    placeholder: "HOST:PORT",
    parse: parsePeer,
  },
  "replicas": {
    group: "Cluster",
    help: "nodes that hold each object; the same on every node, as the quorums are",
    placeholder: "COUNT",
    parse: integer(1, 20),
    fallback: "3",
  },
  "write-quorum": {
    group: "Cluster",
    help: "nodes that must have a write before the reply (default: a majority of --replicas)",
    placeholder: "COUNT",
    parse: integer(1, 20),
  },
  "read-quorum": {
    group: "Cluster",
    help: "nodes that must answer a read (default: as many as it takes to meet every write)",
    placeholder: "COUNT",
    parse: integer(1, 20),
  },
  "discovery": {
    group: "Cluster",
    help: "lan: find nodes on the local network; off: only --bootstrap",
    placeholder: "MODE",
    parse: oneOf("lan", "off"),
    fallback: "lan",
  },
  "gc-grace": {
    group: "Cluster",
    help: "blocks that nothing refers to are kept this long",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: "10m",
  },
  "gone-after": {
    group: "Cluster",
    help: "a node not heard of for this long is given up and its share rebuilt elsewhere",
    placeholder: "TIME",
    parse: parseDurationMs,
    fallback: "15m",
  },
  "check-rate": {
    group: "Check",
    help: "megabytes per second to read at most; without it, as fast as it goes",
    placeholder: "MB",
    parse: integer(1, 1_000_000),
    isCommandLineOnly: true,
  },
  "restart": {
    group: "Check",
    help: "begin anew, instead of going on where a check was interrupted",
    parse: parseSwitch,
    isCommandLineOnly: true,
  },
  "check-state": {
    group: "Check",
    help: "where to keep how far it is (default .index/check.json in the data dir)",
    placeholder: "FILE",
    parse: parseText,
    isCommandLineOnly: true,
  },
  "report": {
    group: "Check",
    help: "also write what was found into this file, as JSON",
    placeholder: "FILE",
    parse: parseText,
    isCommandLineOnly: true,
  },
  "json": {
    group: "Check",
    help: "print the report as JSON, and nothing else",
    parse: parseSwitch,
    isCommandLineOnly: true,
  },
  "repair": {
    group: "Check",
    help:
      "make the catalog agree with the files; of a node: put damaged blocks aside. The server must be stopped",
    parse: parseSwitch,
    isCommandLineOnly: true,
  },
  "accept-damaged": {
    group: "Check",
    help: "with --repair: take damaged bytes for the object's from now on",
    parse: parseSwitch,
    isCommandLineOnly: true,
  },
  "to": {
    group: "Backup",
    help:
      "the folder that becomes a data dir with all that --data-dir holds; an earlier backup is replaced",
    placeholder: "FOLDER",
    parse: parseText,
    isCommandLineOnly: true,
  },
  "from": {
    group: "Import",
    help: "data dir of a standalone server: what it holds is copied into --data-dir",
    placeholder: "FOLDER",
    parse: parseText,
    isCommandLineOnly: true,
  },
  "config": {
    group: "Other",
    help: "JSON file that gives flags by their names; a flag or variable wins over it",
    placeholder: "FILE",
    parse: parseText,
  },
  "help": {
    group: "Other",
    help: "print this",
    parse: parseSwitch,
    short: "h",
    isCommandLineOnly: true,
  },
  "version": {
    group: "Other",
    help: "print the version",
    parse: parseSwitch,
    short: "v",
    isCommandLineOnly: true,
  },
} satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

/** What a flag's text stands for; undefined is possible only where the table has no fallback. */
export type FlagValue<Name extends FlagName> = typeof FLAGS[Name] extends { fallback: string }
  ? ReturnType<typeof FLAGS[Name]["parse"]>
  : ReturnType<typeof FLAGS[Name]["parse"]> | undefined;

export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** The row of a flag, with its optional columns. */
export function flagOf(name: FlagName): Flag {
  return FLAGS[name];
}

export function isFlagName(text: string): text is FlagName {
  return Object.hasOwn(FLAGS, text);
}

/** A flag that takes no value. */
export function isSwitch(name: FlagName): boolean {
  return flagOf(name).placeholder === undefined;
}

/** Whether a config file may give it: not what belongs to one run of a command. */
export function isFileFlag(name: FlagName): boolean {
  return !flagOf(name).isCommandLineOnly && name !== "config";
}

/** `data-dir` → `ZS3_DATA_DIR`, then the aliases; none for a flag that is only on the command line. */
export function variablesOf(name: FlagName): readonly string[] {
  const flag = flagOf(name);
  if (flag.isCommandLineOnly) return [];
  return [`ZS3_${name.toUpperCase().replaceAll("-", "_")}`, ...(flag.aliases ?? [])];
}

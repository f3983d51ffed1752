/** All scenarios, in the order of the issue that set the targets (they hold for 16 connections where there are several). */

import type { Bench } from "./bench.ts";
import { copiedFile, emptyProgram, hashRate } from "./gauges.ts";
import { DEEP, FLAT, FOLDERS, listPages, type Shape, SMALL } from "./listings.ts";
import type { ObjectSet } from "./objects.ts";
import { idleMemory, peakMemory, startEmpty, startLarge } from "./processes.ts";
import { deletesOf, loadOf } from "./request_loads.ts";
import type { Gauge, Scenario, Target } from "./scenario.ts";
import { copyObject, deleteBatch, multipartUpload, singleUpload } from "./transfers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL_OBJECTS: ObjectSet = { folder: "1k", count: 2000, sizeBytes: KIB };
const MIDDLE_OBJECTS: ObjectSet = { folder: "1m", count: 16, sizeBytes: MIB };
const LARGE_OBJECTS: ObjectSet = { folder: "100m", count: 2, sizeBytes: 100 * MIB };
/** So many that a load doesn't come round to the same bytes. */
const NEW_MIDDLE_OBJECTS: ObjectSet = { ...MIDDLE_OBJECTS, folder: "new-1m", count: 512 };
const MANY_MIDDLE_OBJECTS: ObjectSet = { ...MIDDLE_OBJECTS, count: 64 };

const MD5: Gauge = { name: "md5", measure: hashRate("md5") };
const EMPTY_PROGRAM: Gauge = { name: "deno eval", measure: emptyProgram };

const OF_SERVERS = { judged: "zs3", basis: "ceiling", isForPeers: true } as const;
const OF_UPLOADS = { judged: "zs3", basis: MD5, isForPeers: true, unit: "MB/s" } as const;
const OF_PROCESS = { judged: "zs3", isForPeers: false, connections: 1 } as const;

export const SCENARIOS: readonly Scenario[] = [
  ...[1, 16, 64].map((connections) => small("GET", connections, [ratio(0.6)])),
  ...[1, 16, 64].map((connections) => small("HEAD", connections, [ratio(0.6)])),
  ...[1, 16, 64].map((connections) =>
    small("PUT", connections, [ratio(0.25), { of: "p99Ms", atMost: 25 }])
  ),
  {
    ...OF_SERVERS,
    name: "delete-c16",
    title: "DELETE",
    connections: 16,
    unit: "req/s",
    measure: deletesOf(16),
    targets: [ratio(0.25)],
  },
  {
    ...OF_SERVERS,
    name: "delete-1000",
    title: "DeleteObjects, 1000 keys",
    connections: 1,
    unit: "ms",
    measure: deleteBatch,
    targets: [{ of: "value", atMost: 60 }],
  },
  {
    ...OF_SERVERS,
    name: "get-1m-c16",
    title: "GET 1 MiB",
    connections: 16,
    unit: "MB/s",
    measure: loadOf({ method: "GET", objects: MIDDLE_OBJECTS, connections: 16, counts: "bytes" }),
    targets: [ratio(0.85)],
  },
  {
    ...OF_SERVERS,
    name: "get-100m-c4",
    title: "GET 100 MiB",
    connections: 4,
    unit: "MB/s",
    measure: loadOf({ method: "GET", objects: LARGE_OBJECTS, connections: 4, counts: "bytes" }),
    targets: [ratio(0.85)],
  },
  {
    judged: "sha256",
    isForPeers: false,
    name: "hash",
    title: "SHA-256 of one core",
    connections: 1,
    unit: "MB/s",
    basis: MD5,
    measure: hashRate("sha256"),
    targets: [],
  },
  {
    ...OF_UPLOADS,
    name: "put-1m-c8",
    title: "PUT 1 MiB",
    connections: 8,
    measure: loadOf({ method: "PUT", objects: MIDDLE_OBJECTS, connections: 8, counts: "bytes" }),
    targets: [ratio(0.9)],
  },
  {
    ...OF_UPLOADS,
    name: "put-100m",
    title: "PUT 100 MiB",
    connections: 1,
    measure: singleUpload(LARGE_OBJECTS),
    targets: [ratio(0.9)],
  },
  {
    ...OF_UPLOADS,
    name: "multipart-1g",
    title: "PUT 1 GiB in 16 MiB parts",
    connections: 4,
    measure: multipartUpload({ parts: 64, partBytes: 16 * MIB, atOnce: 4 }),
    targets: [ratio(0.9)],
  },
  ...[1, 16].map((connections) => list("list-10k", "LIST, 10k keys", SMALL, connections)),
  ...[1, 16].map((connections) => list("list-flat", "LIST, 1M keys", FLAT, connections)),
  ...[1, 16].map((connections) => list("list-deep", "LIST, 1M in 1000 folders", DEEP, connections)),
  ...[1, 16].map((connections) => list("list-folders", "  with delimiter", FOLDERS, connections)),
  {
    judged: "zs3",
    isForPeers: true,
    name: "copy-100m",
    title: "CopyObject 100 MiB",
    connections: 1,
    unit: "ms",
    basis: { name: "copyFile", measure: copiedFile(LARGE_OBJECTS.sizeBytes) },
    measure: copyObject(LARGE_OBJECTS),
    targets: [ratio(0.67)],
  },
  {
    ...OF_PROCESS,
    name: "start-empty",
    title: "start to first reply",
    unit: "ms",
    basis: EMPTY_PROGRAM,
    measure: startEmpty,
    targets: [{ of: "value", atMost: 400 }],
  },
  {
    ...OF_PROCESS,
    name: "start-large",
    title: "  with the 2M keys of the lists",
    unit: "ms",
    isLarge: true,
    basis: EMPTY_PROGRAM,
    measure: startLarge,
    targets: [{ of: "value", atMost: 1000 }],
  },
  {
    ...OF_PROCESS,
    isForPeers: true,
    name: "memory-idle",
    title: "memory, idle",
    unit: "MB",
    basis: undefined,
    measure: idleMemory,
    targets: [{ of: "value", atMost: 60 }],
  },
  {
    ...OF_PROCESS,
    isForPeers: true,
    name: "memory-c64",
    title: "memory, PUT 1 MiB",
    connections: 64,
    unit: "MB",
    basis: undefined,
    measure: peakMemory(MANY_MIDDLE_OBJECTS),
    targets: [{ of: "value", atMost: 250 }],
  },
  cluster("put-1k", "PUT 1 KiB", "PUT", SMALL_OBJECTS, 16),
  cluster("get-1k", "GET 1 KiB", "GET", SMALL_OBJECTS, 16),
  cluster("put-1m", "PUT 1 MiB", "PUT", NEW_MIDDLE_OBJECTS, 8),
  cluster("get-1m", "GET 1 MiB", "GET", MIDDLE_OBJECTS, 16),
];

function small(
  method: "GET" | "HEAD" | "PUT",
  connections: number,
  targets: readonly Target[],
): Scenario {
  return {
    ...OF_SERVERS,
    name: `${method.toLowerCase()}-1k-c${connections}`,
    title: `${method} 1 KiB`,
    connections,
    unit: "req/s",
    measure: loadOf({ method, objects: SMALL_OBJECTS, connections, counts: "requests" }),
    targets: connections === 16 ? targets : [],
  };
}

/** Pages of large buckets are compared with those of the small one. */
function list(name: string, title: string, shape: Shape, connections: number): Scenario {
  const isSmall = shape === SMALL;
  const pages = listPages(SMALL, connections);
  const atLeast: Target = { of: "value", atLeast: 300 };
  const targets: Target[] = isSmall ? [atLeast] : [atLeast, ratio(1 / 1.5)];
  return {
    judged: "zs3",
    isForPeers: isSmall,
    name: `${name}-c${connections}`,
    title,
    connections,
    unit: "pages/s",
    ...(isSmall ? {} : { isLarge: true }),
    basis: isSmall
      ? "ceiling"
      : { name: "10k keys", measure: (bench: Bench) => pages(bench, "zs3") },
    measure: listPages(shape, connections),
    targets: connections === 16 ? targets : [],
  };
}

/** All requests go to one of the three nodes; the basis is a server that stands alone. */
function cluster(
  name: string,
  title: string,
  method: "GET" | "PUT",
  objects: ObjectSet,
  connections: number,
): Scenario {
  const isSmall = objects === SMALL_OBJECTS;
  return {
    judged: "cluster",
    basis: "zs3",
    isForPeers: false,
    name: `cluster-${name}-c${connections}`,
    title: `cluster of 3: ${title}`,
    connections,
    unit: isSmall ? "req/s" : "MB/s",
    measure: loadOf({ method, objects, connections, counts: isSmall ? "requests" : "bytes" }),
    targets: [ratio(0.3)],
  };
}

function ratio(atLeast: number): Target {
  return { of: "ratio", atLeast };
}

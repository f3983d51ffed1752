/** What the server has to say about requests and faults, as a seam: main.ts decides whether and how it is written. */

import type { OperationName } from "./s3/operation.ts";

/** What is answered besides S3: by any server, and by a node of a cluster. */
export type PageName = "Health" | "Metrics" | ClusterPageName;
export type ClusterPageName = "Ping" | "Peers" | "Providers" | "Status";

/** One answered request. Holds no query, no header and no signature: nothing in it is secret. */
export interface RequestRecord {
  readonly requestId: string;
  /** Milliseconds since the Unix epoch when the request came in. */
  readonly timeMs: number;
  readonly method: string;
  /** undefined when the request failed before these were known. */
  readonly operation: OperationName | PageName | undefined;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** undefined for an anonymous caller, or one that failed to authenticate. */
  readonly accessKeyId: string | undefined;
  readonly status: number;
  /** S3 error code, when the answer is one. */
  readonly errorCode: string | undefined;
  /** Content-Length of the request; undefined when it has none. */
  readonly receivedBytes: number | undefined;
  /** Length of the response body; undefined when it is streamed without being known. */
  readonly sentBytes: number | undefined;
  /** Until the response's head was ready; its body may still be on the way. */
  readonly durationMs: number;
}

export interface Log {
  request(record: RequestRecord): void;
  /** What the operator asked for was done, such as new keys taken in: one line, without secrets. */
  notice(text: string): void;
  /** An error that no client is meant to see: a bug, or a disk that fails. One line, with the cause. */
  fault(requestId: string, cause: unknown): void;
}

export const silentLog: Log = { request: () => {}, notice: () => {}, fault: () => {} };

/** The log as lines: for people, for programs, or not at all. One line per event, whatever a key or a message holds. */

/** How much is said: faults; besides them what was done on the operator's word; besides those every request. */
export type LogLevel = "error" | "info" | "access";

import { type Log, type RequestRecord, silentLog } from "../log.ts";
import { oneLine } from "./one_line.ts";

/** Writes each event of the level with `writeLine`, which gets it without a line feed. */
export function lineLog(
  form: "text" | "json" | "off",
  writeLine: (line: string) => void,
  level: LogLevel = "access",
): Log {
  if (form === "off") return silentLog;
  const [requestLine, noticeLine, faultLine] = form === "text"
    ? [requestText, noticeText, faultText]
    : [requestJson, noticeJson, faultJson];
  const { request, notice } = silentLog;
  return {
    request: level === "access" ? (record) => writeLine(oneLine(requestLine(record))) : request,
    notice: level === "error" ? notice : (text) => writeLine(oneLine(noticeLine(text))),
    fault: (requestId, cause) => writeLine(oneLine(faultLine(requestId, cause))),
  };
}

/** Time, request id, who, operation, bucket and key, status, error, bytes received, bytes sent, time taken; "-" for none. */
function requestText(record: RequestRecord): string {
  const target = record.bucket === undefined
    ? "-"
    : record.key === undefined
    ? record.bucket
    : `${record.bucket}/${record.key}`;
  return [
    new Date(record.timeMs).toISOString(),
    record.requestId,
    record.accessKeyId ?? "-",
    record.operation ?? field(record.method),
    field(target),
    record.status,
    record.errorCode ?? "-",
    record.receivedBytes ?? "-",
    record.sentBytes ?? "-",
    `${record.durationMs.toFixed(1)}ms`,
  ].join(" ");
}

function requestJson(record: RequestRecord): string {
  const { timeMs, ...rest } = record;
  return JSON.stringify({ time: new Date(timeMs).toISOString(), ...rest });
}

function noticeText(text: string): string {
  return `${new Date().toISOString()} - notice: ${text}`;
}

function noticeJson(text: string): string {
  return JSON.stringify({ time: new Date().toISOString(), notice: text });
}

function faultText(requestId: string, cause: unknown): string {
  return `${new Date().toISOString()} ${requestId} fault: ${describeFault(cause)}`;
}

function faultJson(requestId: string, cause: unknown): string {
  return JSON.stringify({
    time: new Date().toISOString(),
    requestId,
    fault: describeFault(cause),
  });
}

/** Message, stack and causes on one line; a text as it is. */
function describeFault(cause: unknown): string {
  return textOf(cause).replace(/\s*[\r\n]+\s*/g, " | ");
}

function textOf(cause: unknown): string {
  if (typeof cause === "string") return cause;
  if (isOutOfFiles(cause)) return messages(cause).join(", because of ");
  return Deno.inspect(cause, { colors: false, depth: 4 });
}

/** Deno reads a file for the stack of an error in TypeScript, and panics when it has no descriptor left for that (2.9.6). */
function isOutOfFiles(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return ("code" in cause && cause.code === "EMFILE") || isOutOfFiles(cause.cause);
}

function messages(cause: unknown): string[] {
  return cause instanceof Error
    ? [`${cause.name}: ${cause.message}`, ...messages(cause.cause)]
    : [];
}

/** As it is, or quoted when it could be taken for several fields. */
function field(text: string): string {
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}

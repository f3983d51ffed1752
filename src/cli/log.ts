/** The log as lines: for people, for programs, or not at all. One line per event, whatever a key or a message holds. */

import type { Log, RequestRecord } from "../log.ts";
import { silentLog } from "../log.ts";

/** Writes each event with `writeLine`, which gets it without a line feed. */
export function lineLog(form: "text" | "json" | "off", writeLine: (line: string) => void): Log {
  switch (form) {
    case "off":
      return silentLog;
    case "text":
      return {
        request: (record) => writeLine(requestText(record)),
        fault: (requestId, cause) => writeLine(faultText(requestId, cause)),
      };
    case "json":
      return {
        request: (record) => writeLine(requestJson(record)),
        fault: (requestId, cause) => writeLine(faultJson(requestId, cause)),
      };
  }
}

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
    record.operation ?? plain(record.method),
    plain(target),
    record.status,
    record.errorCode ?? "-",
    record.sentBytes ?? "-",
    `${record.durationMs.toFixed(1)}ms`,
  ].join(" ");
}

function requestJson(record: RequestRecord): string {
  const { timeMs, ...rest } = record;
  return JSON.stringify({ time: new Date(timeMs).toISOString(), ...rest });
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

/** Message, stack and causes on one line. */
function describeFault(cause: unknown): string {
  return Deno.inspect(cause, { colors: false, depth: 4 }).replace(/\s*[\r\n]+\s*/g, " | ");
}

/** As it is, or quoted when it holds what could be taken for a field or a line of its own. */
function plain(text: string): string {
  return /^[\x21\x23-\x7e\u00a1-\u2027\u202a-\ud7ff\uf900-\ufdff]+$/.test(text)
    ? text
    : JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

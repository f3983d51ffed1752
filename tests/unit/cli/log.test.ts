import { assert, assertEquals, assertMatch } from "@std/assert";
import { lineLog } from "../../../src/cli/log.ts";
import type { RequestRecord } from "../../../src/log.ts";

const RECORD: RequestRecord = {
  requestId: "00000000000000AB",
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  method: "GET",
  operation: "GetObject",
  bucket: "photos",
  key: "2026/a b.jpg",
  accessKeyId: "minioadmin",
  status: 200,
  errorCode: undefined,
  receivedBytes: 7,
  sentBytes: 12,
  durationMs: 1.25,
};

function linesOf(
  form: "text" | "json" | "off",
): { log: ReturnType<typeof lineLog>; lines: string[] } {
  const lines: string[] = [];
  return { log: lineLog(form, (line) => lines.push(line)), lines };
}

const TEXTS: readonly (readonly [name: string, change: Partial<RequestRecord>, line: string])[] = [
  [
    "an answered request",
    { key: "a.jpg" },
    "2026-01-02T03:04:05.006Z 00000000000000AB minioadmin GetObject photos/a.jpg 200 - 7 12 1.3ms",
  ],
  [
    "a request that was refused before anything was known",
    {
      operation: undefined,
      bucket: undefined,
      key: undefined,
      accessKeyId: undefined,
      status: 403,
      errorCode: "InvalidAccessKeyId",
      receivedBytes: undefined,
      sentBytes: undefined,
    },
    "2026-01-02T03:04:05.006Z 00000000000000AB - GET - 403 InvalidAccessKeyId - - 1.3ms",
  ],
  [
    "a key with blanks, quoted",
    {},
    '2026-01-02T03:04:05.006Z 00000000000000AB minioadmin GetObject "photos/2026/a b.jpg" 200 - 7 12 1.3ms',
  ],
  [
    "letters of any language, as they are",
    { key: "größe/日本.txt" },
    "2026-01-02T03:04:05.006Z 00000000000000AB minioadmin GetObject photos/größe/日本.txt 200 - 7 12 1.3ms",
  ],
];

for (const [name, change, line] of TEXTS) {
  Deno.test(`the text log shows ${name}`, () => {
    const { log, lines } = linesOf("text");
    log.request({ ...RECORD, ...change });
    assertEquals(lines, [line]);
  });
}

Deno.test("no key makes a second line or a second field", () => {
  for (
    const evil of [
      "a\nb",
      "a\rb",
      "a\u2028b",
      "a\u0085b",
      "a\u001b[2Jb",
      'a" 200',
      "a 200",
      "\u202eb",
    ]
  ) {
    for (const form of ["text", "json"] as const) {
      const { log, lines } = linesOf(form);
      log.request({ ...RECORD, key: evil });
      assertEquals(lines.length, 1);
      // deno-lint-ignore no-control-regex -- control characters are what it looks for
      assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/.test(lines.join()), JSON.stringify(lines));
      if (form === "text") assertEquals(lines[0]?.match(/"(?:[^"\\]|\\.)*"|[^ "]+/g)?.length, 10);
    }
  }
});

Deno.test("the JSON log is one object per event", () => {
  const { log, lines } = linesOf("json");
  log.request(RECORD);
  log.fault("00000000000000AC", new Error("disk", { cause: new Error("on fire") }));
  const [request, fault] = lines.map((line) => JSON.parse(line));
  assertEquals(request.time, "2026-01-02T03:04:05.006Z");
  assertEquals(request.key, RECORD.key);
  assertEquals(fault.requestId, "00000000000000AC");
  assertMatch(fault.fault, /disk.*on fire/);
});

Deno.test("a fault is one line with its causes", () => {
  const { log, lines } = linesOf("text");
  log.fault("00000000000000AC", new Error("disk\nfull", { cause: "quota" }));
  assertEquals(lines.length, 1);
  assertMatch(lines[0] ?? "", / 00000000000000AC fault: Error: disk \| full.*quota/);
  assertEquals(lines[0]?.includes("\n"), false);
});

Deno.test("what others do is told in words alone", () => {
  const { log, lines } = linesOf("text");
  log.fault("-", "no node at a:1 yet:\nit can't be reached");
  assertMatch(lines[0] ?? "", / - fault: no node at a:1 yet: \| it can't be reached$/);
});

Deno.test("a notice is one line", () => {
  const { log, lines } = linesOf("text");
  log.notice("2 keys\nin force");
  assertMatch(lines.join(), /^\S+Z - notice: 2 keys\\u000ain force$/);
});

Deno.test("the level says which events have a line", () => {
  const LEVELS = {
    error: ["fault"],
    info: ["notice", "fault"],
    access: ["request", "notice", "fault"],
  } as const;
  for (const [level, expected] of Object.entries(LEVELS)) {
    for (const form of ["text", "json"] as const) {
      const lines: string[] = [];
      const log = lineLog(form, (line) => lines.push(line), level as keyof typeof LEVELS);
      log.request(RECORD);
      log.notice("taken in");
      log.fault("-", new Error("disk"));
      const kinds = lines.map((line) =>
        line.includes("disk") ? "fault" : line.includes("taken in") ? "notice" : "request"
      );
      assertEquals(kinds, [...expected], `${level} ${form}`);
    }
  }
});

Deno.test("the JSON log has every field of the text log", () => {
  const { log, lines } = linesOf("json");
  log.request(RECORD);
  const { time, ...fields } = JSON.parse(lines[0] ?? "");
  const { timeMs, errorCode: _none, ...rest } = RECORD;
  assertEquals(time, new Date(timeMs).toISOString());
  assertEquals(fields, rest);
});

Deno.test("a log that is off says nothing", () => {
  const { log, lines } = linesOf("off");
  log.request(RECORD);
  log.notice("x");
  log.fault("-", new Error("x"));
  assertEquals(lines, []);
});

Deno.test("that there is no file descriptor left is said without a stack, for which Deno would need one", () => {
  const { log, lines } = linesOf("text");
  const cause = Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  log.fault("-", new Error("the object can't be read", { cause }));
  assertMatch(
    lines.join(),
    /^\S+Z - fault: Error: the object can't be read, because of Error: Too many open files$/,
  );
});

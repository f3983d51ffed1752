import { assertEquals, assertMatch } from "@std/assert";
import { LineWriter } from "../../../src/cli/line_writer.ts";
import { LIMITS } from "../../../src/limits.ts";

/** Takes a few bytes at a time, as a full pipe does. */
class SlowSink {
  text = "";
  writes = 0;
  write(bytes: Uint8Array): Promise<number> {
    const taken = bytes.subarray(0, Math.ceil(bytes.length / 2));
    this.text += new TextDecoder().decode(taken);
    this.writes++;
    return Promise.resolve(taken.length);
  }
}

Deno.test("lines arrive in order and whole, however little the sink takes", async () => {
  const sink = new SlowSink();
  {
    await using writer = new LineWriter(sink);
    for (let i = 0; i < 100; i++) writer.line(`line ${i}`);
  }
  assertEquals(sink.text, Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(""));
});

Deno.test("lines of one turn are written together", async () => {
  const sizes: number[] = [];
  const sink = {
    write: (bytes: Uint8Array) => Promise.resolve(sizes[sizes.push(bytes.length) - 1] ?? 0),
  };
  {
    await using writer = new LineWriter(sink);
    writer.line("a");
    writer.line("b");
  }
  assertEquals(sizes, [4]);
});

Deno.test("a backlog is bounded, and what was dropped is told", async () => {
  const sink = new SlowSink();
  {
    await using writer = new LineWriter(sink);
    const line = "x".repeat(1024);
    for (let i = 0; i < 2 * LIMITS.logBacklogBytesMax / line.length; i++) writer.line(line);
  }
  assertEquals(sink.text.length < LIMITS.logBacklogBytesMax * 1.1, true);
  assertMatch(sink.text, /\n\(1024 log lines dropped\)\n$/);
});

Deno.test("a sink that fails does not take the program with it", async () => {
  const writer = new LineWriter({ write: () => Promise.reject(new Error("closed")) });
  writer.line("a");
  await writer[Symbol.asyncDispose]();
  writer.line("b");
  await writer[Symbol.asyncDispose]();
});

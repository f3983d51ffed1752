import { assert, assertEquals } from "@std/assert";
import { findPadding } from "../../../src/http/head_padding.ts";

/** A connection's, as `SharedScratch` of deno_http_h1 0.11 and Rust's `Vec` work. */
class FakeBuffer {
  #capacity = 512;
  #length = 0;

  /** Whether Deno writes head and body at once. Lines are in its order: the length and the date come last, whatever is given. */
  writesAtOnce(
    statusLine: string,
    headers: Readonly<Record<string, string>>,
    bodyBytes: number,
  ): boolean {
    this.#length = 0;
    this.#push(statusLine, "\r\n");
    for (const [name, value] of Object.entries(headers)) {
      if (name !== "content-length") this.#push(name, ": ", value, "\r\n");
    }
    this.#push("content-length: ", String(bodyBytes), "\r\n");
    this.#push("date: ", "Wed, 25 Nov 2026 18:06:47 GMT", "\r\n", "\r\n");
    return bodyBytes <= this.#capacity - this.#length;
  }

  #push(...pieces: string[]): void {
    for (const piece of pieces) {
      const length = this.#length + piece.length;
      if (length > this.#capacity) this.#capacity = Math.max(2 * this.#capacity, length);
      this.#length = length;
    }
  }
}

const STATUS_LINES = [[200, "HTTP/1.1 200 OK"], [206, "HTTP/1.1 206 Partial Content"]] as const;

/** Headers of so many bytes, in lines of at most 60. */
function headersOf(bytes: number, bodyBytes: number): Record<string, string> {
  const headers: Record<string, string> = { "content-length": String(bodyBytes) };
  for (let left = bytes; left > 20; left -= 60) {
    const name = `x-amz-meta-${left}`;
    headers[name] = "m".repeat(Math.max(1, Math.min(60, left) - name.length - 4));
  }
  return headers;
}

function padded(status: number, bytes: number, bodyBytes: number): Record<string, string> {
  const headers = headersOf(bytes, bodyBytes);
  const [name, value] = findPadding(status, headers, bodyBytes) ?? [];
  return name === undefined || value === undefined ? headers : { ...headers, [name]: value };
}

Deno.test("with its padding a head has room for the body behind it, on a new connection and on a used one", () => {
  for (const [status, statusLine] of STATUS_LINES) {
    for (let headBytes = 100; headBytes < 1_800; headBytes += 37) {
      const used = new FakeBuffer();
      for (let bodyBytes = 1; bodyBytes < 1_460; bodyBytes += 3) {
        const headers = padded(status, headBytes, bodyBytes);
        for (const buffer of [new FakeBuffer(), used]) {
          const isAtOnce = buffer.writesAtOnce(statusLine, headers, bodyBytes);
          assert(isAtOnce, `${status}, ${headBytes} of headers, ${bodyBytes} of body`);
        }
      }
      for (let bodyBytes = 1_459; bodyBytes > 0; bodyBytes -= 3) {
        const headers = padded(status, headBytes, bodyBytes);
        const isAtOnce = used.writesAtOnce(statusLine, headers, bodyBytes);
        assert(isAtOnce, `${status}, ${headBytes} of headers, ${bodyBytes} of body, downwards`);
      }
    }
  }
});

Deno.test("a head that needs no padding has none, and none has more than it needs", () => {
  const headers = { "content-type": "text/plain" };
  assertEquals(findPadding(200, headers, 0), undefined);
  assertEquals(findPadding(200, headers, 100), undefined);
  assertEquals(findPadding(200, headers, 1_460), undefined);
  assertEquals(findPadding(404, headers, 1_024), undefined);
  for (const [bodyBytes, most] of [[500, 500], [1_000, 1_000], [1_459, 2_000]] as const) {
    const [name, value = ""] = findPadding(200, headers, bodyBytes) ?? [];
    assertEquals(name, "x-zs3-padding");
    assert(value.length < most, `${value.length} for ${bodyBytes}`);
  }
});

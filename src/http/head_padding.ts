/**
 * Heads of replies over TLS that are long enough for the body to travel with them.
 *
 * Deno leaves Nagle's algorithm on over TLS (2.9.6; off without), and writes a body that doesn't fit into its buffer behind the
 * head on its own. A body of less than a segment then waits for the client to acknowledge the head, which clients do after 40 ms:
 * a GET of 1 KiB on a connection that is kept took 44 ms instead of 0.2. The buffer begins with 512 bytes, and doubles for a head
 * that is longer (`SharedScratch` of deno_http_h1 0.11). So a head just longer than a power of two has as many bytes behind it,
 * whatever the buffer had grown to before. What is longer than a segment doesn't wait.
 */

/** Bytes of TCP's payload on an Ethernet, and so of most of the world's. */
const SEGMENT_BYTES = 1460;
/** Powers of two, from what the buffer begins with to what is enough for a segment. */
const SIZES = [512, 1024, 2048] as const;
/** Replies with an error are short enough. */
const STATUS_LINE_BYTES: ReadonlyMap<number, number> = new Map([
  [200, "HTTP/1.1 200 OK\r\n".length],
  [206, "HTTP/1.1 206 Partial Content\r\n".length],
]);
/** What Deno writes behind our lines: the body's length, the date, and the head's end. */
const LAST_LINES_BYTES = "content-length: 1\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n".length;
/** Further digits of the length. */
const DIGITS = 3;
const NAME = "x-zs3-padding";
const NAME_BYTES = NAME.length + ": ".length + "\r\n".length;

/**
 * The header that makes a head so long that a body of this length goes with it; undefined when it does anyway, or needn't, or the
 * head is a long one. `headers` have all that are sent, none of them very long, and this one is to be the last.
 */
export function findPadding(
  status: number,
  headers: Readonly<Record<string, string>>,
  bodyBytes: number,
): readonly [name: string, value: string] | undefined {
  let linesBytes = STATUS_LINE_BYTES.get(status);
  if (bodyBytes === 0 || bodyBytes >= SEGMENT_BYTES || linesBytes === undefined) return undefined;
  for (const [name, value] of Object.entries(headers)) {
    if (name !== "content-length") linesBytes += name.length + value.length + 4;
  }
  const headBytes = linesBytes + LAST_LINES_BYTES + DIGITS;
  const buffer = SIZES.find((size) => size >= headBytes);
  if (buffer !== undefined && headBytes + bodyBytes <= buffer) return undefined;
  for (const size of SIZES) {
    // The last lines make the difference: a padding that did would leave the buffer no larger than it needs.
    const paddedBytes = size - LAST_LINES_BYTES + 1;
    const valueBytes = paddedBytes - linesBytes - NAME_BYTES;
    const isEnough = bodyBytes + DIGITS + 1 <= size;
    if (isEnough && valueBytes > 0) return [NAME, ".".repeat(valueBytes)];
  }
  return undefined;
}

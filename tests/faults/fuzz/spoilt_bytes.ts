/** Correct requests spoilt on their way: bytes, heads and lengths that contradict what was signed, or HTTP itself. */

import type { SeededRandom } from "../../support/seed.ts";
import type { Exchange } from "./exchange.ts";
import {
  type Header,
  joinBytes,
  latin1,
  type RawRequest,
  serialize,
  serializeHead,
  signed,
} from "../../support/raw_request.ts";
import { SCRATCH, validRequests } from "./valid_requests.ts";

/** A request that should not be, and what may come of it. */
export interface Spoilt extends Exchange {
  readonly why: string;
  /** Whether an answer below 400 is a mistake. Else the request may still mean what it meant. */
  readonly isRefused: boolean;
}

export type Spoiler = (random: SeededRandom) => Spoilt;

const KiB = 1024;

/** One byte anywhere, some bytes more or less, an end too soon. */
export const BYTE_SPOILERS: readonly Spoiler[] = [
  (random) =>
    spoilt("garbage", random.bytes(1 + random.below(300)), { isCut: true, isRefused: true }),
  (random) =>
    spoilt(
      "garbage in lines",
      joinBytes([random.bytes(40), latin1("\r\n\r\n"), random.bytes(40)]),
      {
        isCut: true,
        isRefused: true,
      },
    ),
  (random) => {
    const bytes = serialize(anyRequest(random));
    const end = random.below(bytes.length);
    return spoilt(`cut at ${end}`, bytes.slice(0, end), { isCut: true, isRefused: true });
  },
  (random) => {
    const bytes = serialize(anyRequest(random));
    const at = random.below(bytes.length);
    bytes[at] = random.below(256);
    return spoilt(`byte ${at} changed`, bytes);
  },
  (random) => {
    const bytes = serialize(anyRequest(random));
    const at = random.below(bytes.length);
    const pieces = [bytes.slice(0, at), random.bytes(1 + random.below(20)), bytes.slice(at)];
    return spoilt(`bytes put in at ${at}`, joinBytes(pieces));
  },
  (random) => {
    const bytes = serialize(anyRequest(random));
    const at = random.below(bytes.length);
    const to = at + 1 + random.below(30);
    return spoilt(
      `bytes ${at} to ${to} left out`,
      joinBytes([bytes.slice(0, at), bytes.slice(to)]),
    );
  },
];

const LINES: readonly string[] = [
  "GET /kept/object",
  "GET /kept/object HTTP/9.9",
  "GET  /kept/object HTTP/1.1",
  "GET /kept/ob ject HTTP/1.1",
  "GET /kept/object\x00 HTTP/1.1",
  "get /kept/object HTTP/1.1",
  "BREW /kept/object HTTP/1.1",
  "PROPFIND /kept/object HTTP/1.1",
  "PATCH /kept/object HTTP/1.1",
  "TRACE /kept/object HTTP/1.1",
  "CONNECT kept:443 HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "GET http://elsewhere/kept/object HTTP/1.1",
  "GET kept/object HTTP/1.1",
  "PUT /scratch/../../outside HTTP/1.1",
  "PUT /scratch/%2e%2e/%2e%2e/outside HTTP/1.1",
  "PUT //etc/passwd HTTP/1.1",
  "PUT /.index/catalog.db HTTP/1.1",
  "PUT /.tmp/x HTTP/1.1",
  "DELETE /kept HTTP/1.1",
  "DELETE /kept?policy HTTP/1.1",
  `GET /kept/${"k".repeat(4 * KiB)} HTTP/1.1`,
  `GET /kept/${"k".repeat(200 * KiB)} HTTP/1.1`,
  `GET /kept/object?${"a=b&".repeat(2000)} HTTP/1.1`,
];

const HEADS: readonly (readonly Header[])[] = [
  [["host", "elsewhere"]],
  [["host", "localhost"]],
  [["host", "a b"]],
  [["host", ""]],
  [["authorization", "AWS4-HMAC-SHA256 Credential=x"]],
  [["authorization", "Basic eDp5"]],
  [["x-amz-date", "20200101T000000Z"]],
  [["x-amz-content-sha256", "UNSIGNED-PAYLOAD"]],
  [["x-amz-new", "unsigned"]],
  [["content-length", "0"]],
  [["content-length", "5"]],
  [["content-length", "-1"]],
  [["content-length", "1e3"]],
  [["content-length", "99999999999999999999"]],
  [["content-length", "9223372036854775807"]],
  [["content-length", "7"], ["content-length", "8"]],
  [["transfer-encoding", "chunked"]],
  [["transfer-encoding", "chunked"], ["content-length", "4"]],
  [["transfer-encoding", "gzip, chunked"]],
  [["transfer-encoding", "chunked, chunked"]],
  [["transfer-encoding", "identity"]],
  [["expect", "200-ok"]],
  [["upgrade", "h2c"], ["http2-settings", "AAMAAABkAAQAAP__"]],
  [["bad name", "x"]],
  [["", "x"]],
  [["x-folded", "a\r\n b"]],
  [["x-nul", "a\x00b"]],
  [["x-long", "x".repeat(9 * KiB)]],
  [["x-longer", "x".repeat(90 * KiB)]],
  [["x-longest", "x".repeat(500 * KiB)]],
  Array.from({ length: 90 }, (_, n) => [`x-amz-meta-${n}`, "x".repeat(100)]),
  Array.from({ length: 2000 }, (_, n) => [`x-many-${n}`, "x"]),
];

/** Lines and heads that no client sends, before the body of a correct request. */
export const HEAD_SPOILERS: readonly Spoiler[] = [
  (random) => {
    const line = random.pick(LINES);
    const { headers } = signed({ method: "GET", rawPath: "/kept/object" });
    return spoilt(`the line ${shortened(line)}`, serializeHead(line, headers), {
      isRefused: !line.includes("//elsewhere"), // the same request, by the book
      isCut: !line.includes(" HTTP/1.1"),
    });
  },
  (random) => {
    const request = anyRequest(random);
    const head = random.pick(HEADS);
    const more = { ...request, headers: [...head, ...request.headers] };
    return spoilt(`more headers: ${shortened(head.join(" "))}`, serialize(more), { isCut: true });
  },
  (random) => {
    const request = anyRequest(random);
    const left = random.pick(request.headers);
    const headers = request.headers.filter((header) => header !== left);
    // Without it the connection would stay open, which is not what is asked here.
    const isClosing = left[0] !== "connection";
    return spoilt(`without ${left[0]}`, serialize({ ...request, headers }), {
      isRefused: isClosing,
      isCut: !isClosing || left[0] === "content-length",
    });
  },
  (random) => {
    const request = anyRequest(random);
    const twice = random.pick(request.headers.filter(([name]) => name !== "connection"));
    return spoilt(
      `${twice[0]} twice`,
      serialize({ ...request, headers: [...request.headers, twice] }),
    );
  },
  (random) => {
    const other = random.pick(["POST", "DELETE", "PUT", "GET", "HEAD"]);
    const request = anyRequest(random);
    const isSame = other === request.method;
    return spoilt(`as ${other}`, serialize({ ...request, method: other }), { isRefused: !isSame });
  },
];

const CHUNKINGS: readonly string[] = [
  "x\r\nhello\r\n0\r\n\r\n",
  "-5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhel",
  "5\r\nhelloXX0\r\n\r\n",
  "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
  "7fffffffffffffff\r\nhello",
  `5;${"x".repeat(20 * KiB)}\r\nhello\r\n0\r\n\r\n`,
  "5\nhello\n0\n\n",
  "0\r\nx-trailer: y",
  "",
];

/** Bodies that aren't as long as they say. */
export const LENGTH_SPOILERS: readonly Spoiler[] = [
  (random) => {
    const request = withHeader(put(), "content-length", String(1 + random.below(2 ** 40)));
    return spoilt("a body shorter than its length", serialize(request), CUT_AND_REFUSED);
  },
  (random) => {
    const body = random.pick(CHUNKINGS);
    const request = withHeader(withoutLength(put()), "transfer-encoding", "chunked");
    return spoilt(
      `chunked: ${shortened(body)}`,
      serialize({ ...request, body: latin1(body) }),
      CUT_AND_REFUSED,
    );
  },
  () => spoilt("no length at all", serialize(withoutLength(put())), CUT_AND_REFUSED),
];

const CUT_AND_REFUSED = { isCut: true, isRefused: true };

export function spoilt(
  why: string,
  bytes: Uint8Array<ArrayBuffer>,
  { isCut = false, isRefused = false } = {},
): Spoilt {
  return { why, bytes, isCut, isRefused };
}

function anyRequest(random: SeededRandom): RawRequest {
  return signed(random.pick(validRequests()));
}

function put(): RawRequest {
  return signed({
    method: "PUT",
    rawPath: `/${SCRATCH.bucket}/${SCRATCH.key}`,
    body: SCRATCH.contents,
    payloadHash: "UNSIGNED-PAYLOAD",
  });
}

function withoutLength(request: RawRequest): RawRequest {
  return { ...request, headers: request.headers.filter(([name]) => name !== "content-length") };
}

/** In place of the one of that name. */
function withHeader(request: RawRequest, name: string, value: string): RawRequest {
  const others = request.headers.filter((header) => header[0] !== name);
  return { ...request, headers: [[name, value], ...others] };
}

function shortened(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

/**
 * What `Deno.serve` could do at best: reads all headers and the whole body, and replies with as many headers and bytes as zs3
 * does for the operation, from memory. It neither signs nor stores.
 *
 *   deno run -A bench/speed/ceiling.ts
 */

import { printLine } from "../../src/cli/print.ts";

const MIB = 1024 * 1024;
const ETAG = '"0f343b0931126a20f133d67c2b018a3b"';
const REQUEST_ID = "4896988002199547";

/** By the folder that the key is in. */
const SIZES: readonly (readonly [folder: string, bytes: number])[] = [
  ["/1k/", 1024],
  ["/1m/", MIB],
  ["/100m/", 100 * MIB],
];
/** Larger bodies are streamed in these: in one piece Deno sends them more slowly. */
const CHUNK = new Uint8Array(MIB / 4);
const SMALL_BODY = new Uint8Array(1024);

const LISTED =
  "<Contents><Key>00000000</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>" +
  "<ETag>&quot;0f343b0931126a20f133d67c2b018a3b&quot;</ETag><Size>0</Size>" +
  "<StorageClass>STANDARD</StorageClass></Contents>";
const PAGE = new TextEncoder().encode(
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>${
    LISTED.repeat(1000)
  }</ListBucketResult>`,
);
const DELETED = new TextEncoder().encode(
  `<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult>${
    "<Deleted><Key>batch/000000</Key></Deleted>".repeat(1000)
  }</DeleteResult>`,
);

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    let received = 0;
    for (const [name, value] of request.headers) received += name.length + value.length;
    if (request.body !== null) { for await (const { length } of request.body) received += length; }
    return received > 0 ? reply(request.method, request.url) : new Response(null, { status: 400 });
  },
);
printLine(Deno.stdout, `ceiling ready http://127.0.0.1:${server.addr.port}`);

function reply(method: string, url: string): Response {
  switch (method) {
    case "GET":
      return url.includes("?") ? xml(PAGE) : getObject(sizeOf(url));
    case "HEAD":
      return new Response(null, {
        headers: [...objectHeaders(), ["content-length", String(sizeOf(url))]],
      });
    case "PUT":
      return new Response(null, {
        headers: [
          ["etag", ETAG],
          ["x-amz-checksum-crc64nvme", "aRuysJvlSYo="],
          ["x-amz-checksum-type", "FULL_OBJECT"],
          ["x-amz-request-id", REQUEST_ID],
        ],
      });
    case "DELETE":
      return new Response(null, { status: 204, headers: [["x-amz-request-id", REQUEST_ID]] });
    default:
      return xml(DELETED);
  }
}

function objectHeaders(): [string, string][] {
  return [
    ["content-type", "application/octet-stream"],
    ["etag", ETAG],
    ["last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"],
    ["accept-ranges", "bytes"],
    ["x-amz-request-id", REQUEST_ID],
  ];
}

function xml(body: Uint8Array<ArrayBuffer>): Response {
  return new Response(body, {
    headers: [["content-type", "application/xml"], ["x-amz-request-id", REQUEST_ID]],
  });
}

function getObject(size: number): Response {
  if (size === SMALL_BODY.length) return new Response(SMALL_BODY, { headers: objectHeaders() });
  let left = size;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (left === 0) return controller.close();
      controller.enqueue(CHUNK);
      left -= CHUNK.length;
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: [...objectHeaders(), ["content-length", String(size)]] });
}

function sizeOf(url: string): number {
  return SIZES.find(([folder]) => url.includes(folder))?.[1] ?? 0;
}

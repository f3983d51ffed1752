/** Measures of single large transfers, and of one request that does much. */

import { createHash } from "node:crypto";
import type { Measure } from "./bench.ts";
import { Connection } from "./connection.ts";
import { syncDisks } from "./disk.ts";
import { median } from "./median.ts";
import { makeBody, type ObjectSet, pathOf, putObjects } from "./objects.ts";
import { type Addressee, type Payload, toPayload } from "./requests.ts";
import { BUCKET } from "./subject.ts";

export interface Multipart {
  readonly parts: number;
  readonly partBytes: number;
  readonly atOnce: number;
}

const MB = 1e6;
/** Requests of one round whose median is its figure. */
const REPEATS = 3;
const BATCH: ObjectSet = { folder: "batch", count: 1000, sizeBytes: 1024 };

/** MB/s of one PUT after the other, for as long as a load takes. */
export function singleUpload(objects: ObjectSet): Measure {
  const lazyPayload = lazy(() => toPayload(makeBody(objects.sizeBytes)));
  return async (bench, name) => {
    const subject = await bench.use(name);
    const payload = lazyPayload();
    await syncDisks();
    using connection = await Connection.open(subject);
    const start = performance.now();
    let count = 0;
    do {
      const path = pathOf(objects, count++ % objects.count);
      await connection.ask({ method: "PUT", path, payload });
    } while (performance.now() - start < bench.options.seconds * 1000);
    return { value: count * objects.sizeBytes / MB / (performance.now() - start) * 1000 };
  };
}

/** MB/s from the creation of the upload to the reply to its completion. */
export function multipartUpload({ parts, partBytes, atOnce }: Multipart): Measure {
  const lazyPayload = lazy(() => toPayload(makeBody(partBytes)));
  const path = `/${BUCKET}/multipart`;
  return async (bench, name) => {
    const subject = await bench.use(name);
    const part = lazyPayload();
    await syncDisks();
    using connection = await Connection.open(subject);
    const start = performance.now();
    const created = await connection.ask({ method: "POST", path, query: [["uploads", ""]] });
    const uploadId = /<UploadId>([^<]+)</.exec(created)?.[1] ?? "";
    const etags = await uploadParts(subject, path, uploadId, { parts, atOnce, part });
    const reply = await connection.ask({
      method: "POST",
      path,
      query: [["uploadId", uploadId]],
      payload: toPayload(new TextEncoder().encode(completion(etags))),
    });
    if (!reply.includes("CompleteMultipartUploadResult")) throw new Error(reply);
    return { value: parts * partBytes / MB / (performance.now() - start) * 1000 };
  };
}

/** Milliseconds of a copy within the server. */
export function copyObject(objects: ObjectSet): Measure {
  return async (bench, name) => {
    const subject = await bench.use(name);
    await bench.once(`objects ${objects.folder} in ${name}`, () => putObjects(objects, subject));
    const headers = [["x-amz-copy-source", pathOf(objects, 0)]] as const;
    const times: number[] = [];
    await syncDisks();
    using connection = await Connection.open(subject);
    for (let n = 0; n < REPEATS; n++) {
      const start = performance.now();
      const path = `/${BUCKET}/copied/${n}`;
      const reply = await connection.ask({ method: "PUT", path, headers });
      times.push(performance.now() - start);
      if (!reply.includes("CopyObjectResult")) throw new Error(reply);
    }
    return { value: median(times) };
  };
}

/** Milliseconds of one DeleteObjects of 1000 keys that are there. */
export const deleteBatch: Measure = async (bench, name) => {
  const subject = await bench.use(name);
  const payload = toPayload(new TextEncoder().encode(deletion(BATCH)));
  const md5 = createHash("md5").update(payload.bytes).digest("base64");
  const times: number[] = [];
  for (let n = 0; n < REPEATS; n++) {
    await putObjects(BATCH, subject);
    await subject.rest();
    await syncDisks();
    using connection = await Connection.open(subject);
    const start = performance.now();
    const reply = await connection.ask({
      method: "POST",
      path: `/${BUCKET}`,
      query: [["delete", ""]],
      headers: [["content-md5", md5]],
      payload,
    });
    times.push(performance.now() - start);
    const deleted = reply.split("<Deleted>").length - 1;
    if (deleted !== BATCH.count) throw new Error(`${deleted} of ${BATCH.count} were deleted`);
  }
  return { value: median(times) };
};

/** In the order of the parts. */
async function uploadParts(
  addressee: Addressee,
  path: string,
  uploadId: string,
  { parts, atOnce, part }: { parts: number; atOnce: number; part: Payload },
): Promise<string[]> {
  const etags: string[] = [];
  let started = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    using connection = await Connection.open(addressee);
    while (started < parts) {
      const number = ++started;
      const query = [["partNumber", String(number)], ["uploadId", uploadId]] as const;
      const reply = await connection.ask({ method: "PUT", path, query, payload: part });
      etags[number - 1] = /^etag: *(\S+)/im.exec(reply)?.[1] ?? "";
    }
  }));
  return etags;
}

function completion(etags: readonly string[]): string {
  const parts = etags.map((etag, index) =>
    `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`
  );
  return `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
}

function deletion(set: ObjectSet): string {
  const keys = Array.from({ length: set.count }, (_, n) => pathOf(set, n).slice(BUCKET.length + 2));
  return `<Delete>${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("")}</Delete>`;
}

/** Bodies are large: only those that are sent are made. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

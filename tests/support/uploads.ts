/** A server with one bucket, and the steps of a multipart upload as clients take them. */

import { openTestServer, type Send, type TestServer, textOf } from "./s3_client.ts";

/** The bucket that `openBucketServer` makes. */
export const BUCKET = "bucket";

/** A part's least size, unless it is the last. */
export const PART_BYTES_MIN = 5 * 1024 * 1024;

export interface BucketServer extends TestServer {
  /** Signed by an admin. */
  readonly send: Send;
}

export async function openBucketServer(): Promise<BucketServer> {
  const server = openTestServer();
  await server.store.createBucket(BUCKET, { owner: undefined, acl: "private" });
  return { ...server, send: server.as("admin") };
}

/** The new upload's id. */
export async function createUpload(
  send: Send,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const reply = await send("POST", `${path}?uploads`, { headers });
  return textOf(reply.text, "UploadId");
}

/** The part's ETag as the reply has it: quoted. */
export async function uploadPart(
  send: Send,
  path: string,
  uploadId: string,
  number: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const target = `${path}?partNumber=${number}&uploadId=${uploadId}`;
  const reply = await send("PUT", target, { body, headers });
  if (reply.status !== 200) throw new Error(`part ${number}: ${reply.text}`);
  return reply.headers.get("etag") ?? "";
}

export interface NamedPart {
  readonly number: number | string;
  readonly etag: string;
  /** Further elements. */
  readonly more?: string;
}

/** The body of a CompleteMultipartUpload. */
export function completion(parts: readonly NamedPart[]): string {
  const elements = parts.map(({ number, etag, more = "" }) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${more}</Part>`
  );
  return `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
}

/** An object uploaded in the given parts; its ETag, quoted. */
export async function uploadInParts(
  send: Send,
  path: string,
  bodies: readonly Uint8Array<ArrayBuffer>[],
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const uploadId = await createUpload(send, path, headers);
  const parts: NamedPart[] = [];
  for (const [index, body] of bodies.entries()) {
    const number = index + 1;
    parts.push({ number, etag: await uploadPart(send, path, uploadId, number, body) });
  }
  const reply = await send("POST", `${path}?uploadId=${uploadId}`, { body: completion(parts) });
  return textOf(reply.text, "ETag");
}

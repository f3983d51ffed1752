/** The object half of HttpStore. Bodies are read before they are sent: what `seal` decides goes into the headers. */

import { createHash } from "node:crypto";
import { S3Error } from "../../../src/errors.ts";
import type {
  Body,
  BodyDigest,
  ByteRange,
  CopyRequest,
  ObjectInfo,
  ObjectPart,
  ObjectPatch,
  ObjectStore,
  OpenObject,
  PutRequest,
  Target,
  WriteCondition,
} from "../../../src/storage/object_store.ts";
import { joined } from "../object_store/support.ts";
import { encode } from "./signer.ts";
import type { S3Connection, S3Reply, S3Request } from "./connection.ts";
import {
  aclOf,
  conditionHeaders,
  findChecksum,
  metaHeaders,
  parseTags,
  readMeta,
  taggingXml,
} from "./metadata.ts";
import { parseRoot, textOf } from "./xml.ts";

type ObjectHalf = Pick<
  ObjectStore,
  "head" | "open" | "findParts" | "put" | "delete" | "copy" | "update"
>;

const CHECKSUM_MODE = { "x-amz-checksum-mode": "ENABLED" };

export class HttpObjects implements ObjectHalf {
  readonly #connection: S3Connection;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  async head({ bucket, key }: Target): Promise<ObjectInfo> {
    const reply = await this.#head({ bucket, key });
    return await this.#describe({ bucket, key }, reply, Number(reply.header("content-length")));
  }

  async open({ bucket, key }: Target): Promise<OpenObject> {
    const reply = await this.#connection.send({
      method: "GET",
      bucket,
      key,
      headers: CHECKSUM_MODE,
    });
    const info = await this.#describe(
      { bucket, key },
      reply,
      Number(reply.header("content-length")),
    );
    let isPassedOn = false;
    return {
      info,
      body: (range) => {
        if (range !== undefined) return this.#readRange(info, range);
        isPassedOn = true;
        return reply.stream();
      },
      [Symbol.dispose]: () => isPassedOn || reply.cancel(),
    };
  }

  async findParts(target: Target): Promise<readonly ObjectPart[] | undefined> {
    const first = await this.#head(target, { partNumber: "1" });
    const count = first.headers.get("x-amz-mp-parts-count");
    if (count === undefined) return undefined;
    const parts: ObjectPart[] = [];
    for (let number = 1; number <= Number(count); number++) {
      const reply = await this.#head(target, { partNumber: String(number) });
      const checksum = findChecksum(reply)?.value;
      const size = Number(reply.header("content-length"));
      parts.push({ number, size, ...(checksum !== undefined && { checksum }) });
    }
    return parts;
  }

  async put({ bucket, key, body, seal, condition }: PutRequest): Promise<ObjectInfo> {
    const headers = conditionHeaders(condition);
    const request = { method: "PUT", bucket, key, headers } as const;
    const { bytes, sealed } = await receiveToSend(this.#connection, request, body, seal);
    const reply = await this.#connection.send({
      ...request,
      headers: { ...headers, ...metaHeaders(sealed) },
      body: bytes,
    });
    const etag = reply.etag();
    reply.cancel();
    return await this.infoOf({ bucket, key }, etag, { size: bytes.length, meta: sealed });
  }

  async delete({ bucket, key }: Target, condition?: WriteCondition): Promise<void> {
    const headers = conditionHeaders(condition);
    await this.#connection.sendForXml({ method: "DELETE", bucket, key, headers });
  }

  async copy({ from, to, plan, condition }: CopyRequest): Promise<ObjectInfo> {
    const source = await this.head(from);
    const { meta, checksum } = plan(source);
    const text = await this.#connection.sendForXml({
      method: "PUT",
      bucket: to.bucket,
      key: to.key,
      headers: {
        ...metaHeaders(meta),
        ...conditionHeaders(condition),
        "x-amz-copy-source": encode(`${from.bucket}/${from.key}`),
        "x-amz-copy-source-if-match": `"${source.etag}"`,
        "x-amz-metadata-directive": "REPLACE",
        "x-amz-tagging-directive": "REPLACE",
        ...(checksum !== "keep" && { "x-amz-checksum-algorithm": checksum }),
      },
    });
    const etag = textOf(parseRoot(text, "CopyObjectResult"), "ETag").replaceAll('"', "");
    return await this.infoOf(to, etag, { size: source.size, meta });
  }

  async update({ bucket, key }: Target, { tags, acl }: ObjectPatch): Promise<ObjectInfo> {
    const request = { method: "PUT", bucket, key } as const;
    if (tags !== undefined) {
      const query = { tagging: "" };
      await this.#connection.sendForXml({ ...request, query, body: taggingXml(tags) });
    }
    if (acl !== undefined) {
      const query = { acl: "" };
      await this.#connection.sendForXml({ ...request, query, headers: { "x-amz-acl": acl } });
    }
    return await this.head({ bucket, key });
  }

  /** What HEAD says of the version just written, or what is known of it when it isn't the current one any more. */
  async infoOf(
    { bucket, key }: Target,
    etag: string,
    written: Pick<ObjectInfo, "size" | "meta">,
  ): Promise<ObjectInfo> {
    const current = await this.head({ bucket, key }).catch(undefinedUnlessThere);
    if (current?.etag === etag) return current;
    return { bucket, key, ...written, etag, modifiedMs: Date.now(), partCount: undefined };
  }

  /** A HEAD can't say whether key or bucket is missing; another one can. */
  async #head({ bucket, key }: Target, query: Record<string, string> = {}): Promise<S3Reply> {
    const request = { method: "HEAD", bucket, headers: CHECKSUM_MODE } as const;
    try {
      return await this.#connection.send({ ...request, key, query });
    } catch (cause) {
      if (!isCode(cause, "NoSuchKey")) throw cause;
      const isBucketThere = await this.#connection.send(request).then(() => true, () => false);
      throw isBucketThere ? cause : new S3Error("NoSuchBucket", { cause });
    }
  }

  async #describe({ bucket, key }: Target, reply: S3Reply, size: number): Promise<ObjectInfo> {
    const etag = reply.etag();
    const parts = /-(\d+)$/.exec(etag)?.[1];
    return {
      bucket,
      key,
      size,
      etag,
      modifiedMs: Date.parse(reply.header("last-modified")),
      meta: { ...readMeta(reply), ...await this.#readTagsAndAcl({ bucket, key }, reply) },
      partCount: parts === undefined ? undefined : Number(parts),
    };
  }

  /** They aren't of the version but of the key, which may have gone since. */
  async #readTagsAndAcl(
    target: Target,
    reply: S3Reply,
  ): Promise<Pick<ObjectInfo["meta"], "tags" | "acl">> {
    const read = (query: Record<string, string>) =>
      this.#connection.sendForXml({ method: "GET", ...target, query }).catch(undefinedUnlessThere);
    const isTagged = reply.headers.has("x-amz-tagging-count");
    const tagging = isTagged ? await read({ tagging: "" }) : undefined;
    const policy = await read({ acl: "" });
    return {
      tags: tagging === undefined ? {} : parseTags(tagging),
      acl: policy === undefined ? "private" : aclOf(policy),
    };
  }

  #readRange(info: ObjectInfo, { start, end }: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { bucket, key, etag } = info;
    const headers = { range: `bytes=${start}-${end}`, "if-match": `"${etag}"` };
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    this.#connection.send({ method: "GET", bucket, key, headers }).then(
      (reply) => reply.stream().pipeTo(writable),
    ).catch((error) => writable.abort(error));
    return readable;
  }
}

/**
 * Reads the body and has it sealed. When the body breaks or `seal` refuses it, the server gets it all the same, as a body
 * that breaks or isn't what it was signed to be; then what was thrown is thrown again.
 */
export async function receiveToSend<Sealed>(
  connection: S3Connection,
  request: S3Request,
  body: Body,
  seal: (digest: BodyDigest) => Sealed,
): Promise<{ bytes: Uint8Array; sealed: Sealed }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    await connection.sendBroken({ ...request, body: joined(chunks) });
    throw error;
  }
  const bytes = joined(chunks);
  try {
    const md5 = createHash("md5").update(bytes).digest("hex");
    return { bytes, sealed: seal({ md5, size: bytes.length }) };
  } catch (error) {
    await connection.sendForged({ ...request, body: bytes });
    throw error;
  }
}

function undefinedUnlessThere(error: unknown): undefined {
  if (!isCode(error, "NoSuchKey") && !isCode(error, "NoSuchBucket")) throw error;
}

function isCode(error: unknown, code: S3Error["code"]): error is S3Error {
  return error instanceof S3Error && error.code === code;
}

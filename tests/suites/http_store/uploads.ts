/** The multipart half of HttpStore. */

import { S3Error } from "../../../src/errors.ts";
import type {
  Checksum,
  ChecksumAlgorithm,
  CompletedPart,
  CompleteRequest,
  ObjectInfo,
  ObjectStore,
  PartInfo,
  PutPartRequest,
  UploadEntry,
  UploadInfo,
  UploadInit,
  UploadPage,
  UploadQuery,
  UploadTarget,
} from "../../../src/storage/object_store.ts";
import { compareUtf8 } from "../../../src/storage/names.ts";
import type { S3Connection } from "./connection.ts";
import { checksumHeader, conditionHeaders, findChecksum, metaHeaders } from "./metadata.ts";
import { type HttpObjects, receiveToSend } from "./objects.ts";
import { childrenOf, decodeName, type Element, findText, parseRoot, textOf } from "./xml.ts";

type UploadHalf = Pick<
  ObjectStore,
  | "createUpload"
  | "findUpload"
  | "putPart"
  | "listParts"
  | "completeUpload"
  | "abortUpload"
  | "listUploads"
>;

const UNSEEN_META = { headers: {}, user: {}, tags: {}, acl: "private" } as const;
const ALGORITHMS: readonly ChecksumAlgorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

export class HttpUploads implements UploadHalf {
  readonly #connection: S3Connection;
  readonly #objects: HttpObjects;

  constructor(connection: S3Connection, objects: HttpObjects) {
    this.#connection = connection;
    this.#objects = objects;
  }

  async createUpload({ bucket, key, meta, checksum }: UploadInit): Promise<UploadInfo> {
    const text = await this.#connection.sendForXml({
      method: "POST",
      bucket,
      key,
      query: { uploads: "" },
      headers: {
        ...metaHeaders(meta),
        ...(checksum && {
          "x-amz-checksum-algorithm": checksum.algorithm,
          "x-amz-checksum-type": checksum.type,
        }),
      },
    });
    const uploadId = textOf(parseRoot(text, "InitiateMultipartUploadResult"), "UploadId");
    return await this.findUpload({ bucket, key, uploadId });
  }

  async findUpload(target: UploadTarget): Promise<UploadInfo> {
    await this.listParts(target, 0, 1);
    const after = { key: target.key, uploadId: previousId(target.uploadId) };
    const query = { prefix: target.key, delimiter: "", after, limit: 1 };
    const [entry] = (await this.listUploads(target.bucket, query)).entries;
    if (entry?.kind === "upload" && entry.upload.uploadId === target.uploadId) return entry.upload;
    throw new S3Error("NoSuchUpload");
  }

  async putPart(request: PutPartRequest): Promise<PartInfo> {
    const { bucket, key, uploadId, number, body, seal } = request;
    const query = { partNumber: String(number), uploadId };
    const outgoing = { method: "PUT", bucket, key, query } as const;
    const { bytes, sealed } = await receiveToSend(this.#connection, outgoing, body, seal);
    const headers = checksumHeader(sealed);
    const reply = await this.#connection.send({ ...outgoing, headers, body: bytes });
    const checksum = findChecksum(reply);
    reply.cancel();
    return {
      number,
      size: bytes.length,
      etag: reply.etag(),
      modifiedMs: Date.now(),
      ...(checksum && { checksum: { algorithm: checksum.algorithm, value: checksum.value } }),
    };
  }

  async listParts(
    { bucket, key, uploadId }: UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly PartInfo[]; isTruncated: boolean }> {
    const query = { uploadId, "part-number-marker": String(after), "max-parts": String(limit) };
    const text = await this.#connection.sendForXml({ method: "GET", bucket, key, query });
    const root = parseRoot(text, "ListPartsResult");
    return {
      parts: childrenOf(root, "Part").map(readPart),
      isTruncated: textOf(root, "IsTruncated") === "true",
    };
  }

  async completeUpload(request: CompleteRequest): Promise<ObjectInfo> {
    const { bucket, key, uploadId, parts, checksum, size, condition } = request;
    const text = await this.#connection.sendForXml({
      method: "POST",
      bucket,
      key,
      query: { uploadId },
      headers: {
        ...conditionHeaders(condition),
        ...checksumHeader(checksum),
        ...(checksum?.type && { "x-amz-checksum-type": checksum.type }),
        ...(size !== undefined && { "x-amz-mp-object-size": String(size) }),
      },
      body: completionXml(parts),
    });
    const root = parseRoot(text, "CompleteMultipartUploadResult");
    const etag = textOf(root, "ETag").replaceAll('"', "");
    return await this.#objects.infoOf({ bucket, key }, etag, { size: 0, meta: UNSEEN_META });
  }

  async abortUpload({ bucket, key, uploadId }: UploadTarget): Promise<void> {
    await this.#connection.sendForXml({ method: "DELETE", bucket, key, query: { uploadId } });
  }

  async listUploads(
    bucket: string,
    { prefix, delimiter, after, limit }: UploadQuery,
  ): Promise<UploadPage> {
    const query = {
      uploads: "",
      "encoding-type": "url",
      "max-uploads": String(limit),
      ...(prefix !== "" && { prefix }),
      ...(delimiter !== "" && { delimiter }),
      ...(after && { "key-marker": after.key }),
      ...(after?.uploadId !== undefined && { "upload-id-marker": after.uploadId }),
    };
    const text = await this.#connection.sendForXml({ method: "GET", bucket, query });
    const root = parseRoot(text, "ListMultipartUploadsResult");
    return {
      entries: readEntries(bucket, root),
      isTruncated: textOf(root, "IsTruncated") === "true",
    };
  }
}

/** A string just before the id, so that a page that begins behind it begins with the upload. */
function previousId(uploadId: string): string {
  return uploadId.slice(0, -1);
}

function readPart(element: Element): PartInfo {
  const checksum = findChecksumText(element);
  return {
    number: Number(textOf(element, "PartNumber")),
    size: Number(textOf(element, "Size")),
    etag: textOf(element, "ETag").replaceAll('"', ""),
    modifiedMs: Date.parse(textOf(element, "LastModified")),
    ...(checksum && { checksum }),
  };
}

function findChecksumText(element: Element): PartInfo["checksum"] {
  for (const algorithm of ALGORITHMS) {
    const value = findText(element, `Checksum${algorithm}`);
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}

function completionXml(parts: readonly CompletedPart[]): Uint8Array {
  const elements = parts.map(({ number, etag, checksum }) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag>` +
    (checksum
      ? `<Checksum${checksum.algorithm}>${checksum.value}</Checksum${checksum.algorithm}>`
      : "") +
    "</Part>"
  );
  const xml = `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
  return new TextEncoder().encode(xml);
}

/** S3 gives uploads and prefixes apart; uploads of one key stay in the order in which they came. */
function readEntries(bucket: string, root: Element): UploadEntry[] {
  const uploads = childrenOf(root, "Upload").map((element): UploadEntry => ({
    kind: "upload",
    upload: readUpload(bucket, element),
  }));
  const prefixes = childrenOf(root, "CommonPrefixes").map((element): UploadEntry => ({
    kind: "prefix",
    prefix: decodeName(textOf(element, "Prefix")),
  }));
  return [...uploads, ...prefixes].sort((a, b) => compareUtf8(nameOf(a), nameOf(b)));
}

function readUpload(bucket: string, element: Element): UploadInfo {
  const [initiator = {}] = childrenOf(element, "Initiator");
  const algorithm = ALGORITHMS.find((name) => name === findText(element, "ChecksumAlgorithm"));
  const type: Checksum["type"] = findText(element, "ChecksumType") === "COMPOSITE"
    ? "COMPOSITE"
    : "FULL_OBJECT";
  return {
    bucket,
    key: decodeName(textOf(element, "Key")),
    uploadId: textOf(element, "UploadId"),
    initiatedMs: Date.parse(textOf(element, "Initiated")),
    initiator: findText(initiator, "ID"),
    meta: UNSEEN_META,
    checksum: algorithm && { algorithm, type },
  };
}

function nameOf(entry: UploadEntry): string {
  return entry.kind === "upload" ? entry.upload.key : entry.prefix;
}

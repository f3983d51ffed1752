/** A client that changes random keys in every way there is, until its server is gone. */

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { AwsClient } from "../../support/aws_client.ts";
import { md5, patternBytes, sha256 } from "../../support/bytes.ts";
import type { SeededRandom } from "../../support/seed.ts";
import type { Version } from "./history.ts";
import { BUCKET, type Part, type Upload, versionOf, type World } from "./world.ts";

const PART_BYTES_MIN = 5 * 1024 * 1024;

type Action = (writer: Writer, key: string) => Promise<void>;

const ACTIONS: readonly Action[] = [
  (writer, key) => writer.put(key),
  (writer, key) => writer.put(key),
  (writer, key) => writer.put(key),
  (writer, key) => writer.delete(key),
  (writer, key) => writer.copy(key),
  (writer, key) => writer.upload(key),
];

export class Writer {
  readonly #world: World;
  readonly #client: AwsClient;
  readonly #random: SeededRandom;

  constructor(world: World, client: AwsClient, random: SeededRandom) {
    this.#world = world;
    this.#client = client;
    this.#random = random;
  }

  /** Calls `onDone` after each acknowledged action; throws what the first failing one throws. */
  async run(onDone: () => void): Promise<never> {
    for (;;) {
      await this.#random.pick(ACTIONS)(this, this.#random.pick(this.#world.keys));
      onDone();
    }
  }

  async put(key: string): Promise<void> {
    const body = this.#world.newBody(this.#random);
    const version = versionOf(this.#world.newVersionId(), body);
    const acknowledge = this.#world.history(key).begin(version);
    const { ETag } = await this.#client.send(
      new PutObjectCommand({ ...at(key), Body: body, Metadata: { version: version.id } }),
    );
    assertEquals(ETag, `"${version.etag}"`);
    acknowledge();
  }

  async delete(key: string): Promise<void> {
    const acknowledge = this.#world.history(key).begin(undefined);
    await this.#client.send(new DeleteObjectCommand(at(key)));
    acknowledge();
  }

  async copy(key: string): Promise<void> {
    const source = this.#random.pick(this.#world.sources);
    const version = { ...source.version, id: this.#world.newVersionId() };
    const acknowledge = this.#world.history(key).begin(version);
    await this.#client.send(
      new CopyObjectCommand({
        ...at(key),
        CopySource: `${BUCKET}/${source.key}`,
        MetadataDirective: "REPLACE",
        Metadata: { version: version.id },
      }),
    );
    acknowledge();
  }

  /** Completes it, aborts it, or leaves it for after the crash. */
  async upload(key: string): Promise<void> {
    const id = this.#world.newVersionId();
    const Metadata = { version: id };
    const { UploadId = "" } = await this.#client.send(
      new CreateMultipartUploadCommand({ ...at(key), Metadata }),
    );
    const upload: Upload = { key, id, parts: new Map(), isEnding: false };
    this.#world.uploads.set(UploadId, upload);
    const sizes = this.#random.oneIn(4) ? [PART_BYTES_MIN, 1000] : [70_000];
    for (const [index, size] of sizes.entries()) {
      await this.#putPart(upload, UploadId, index + 1, patternBytes(size, this.#random.below(1e9)));
    }
    if (this.#random.oneIn(4)) return;
    upload.isEnding = true;
    if (this.#random.oneIn(4)) await this.#abort(upload, UploadId);
    else await completeUpload(this.#world, this.#client, upload, UploadId);
  }

  async #putPart(
    { key, parts }: Upload,
    UploadId: string,
    PartNumber: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { ETag } = await this.#client.send(
      new UploadPartCommand({ ...at(key), UploadId, PartNumber, Body: bytes }),
    );
    assertEquals(ETag, `"${md5(bytes)}"`);
    parts.set(PartNumber, { bytes, etag: md5(bytes) });
  }

  async #abort({ key }: Upload, UploadId: string): Promise<void> {
    await this.#client.send(new AbortMultipartUploadCommand({ ...at(key), UploadId }));
    this.#world.uploads.delete(UploadId);
  }
}

/** From the parts that were acknowledged. */
export async function completeUpload(
  world: World,
  client: AwsClient,
  { key, id, parts }: Upload,
  UploadId: string,
): Promise<void> {
  const version = joinedVersion(id, [...parts.values()]);
  const acknowledge = world.history(key).begin(version);
  const Parts = [...parts].map(([PartNumber, { etag }]) => ({ PartNumber, ETag: etag }));
  const { ETag } = await client.send(
    new CompleteMultipartUploadCommand({ ...at(key), UploadId, MultipartUpload: { Parts } }),
  );
  assertEquals(ETag, `"${version.etag}"`);
  acknowledge();
  world.uploads.delete(UploadId);
}

function joinedVersion(id: string, parts: readonly Part[]): Version {
  const digests = createHash("md5");
  for (const { etag } of parts) digests.update(etag, "hex");
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.bytes.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part.bytes, end);
    end += part.bytes.length;
  }
  const etag = `${digests.digest("hex")}-${parts.length}`;
  return { id, size: bytes.length, sha256: sha256(bytes), etag };
}

function at(key: string): { Bucket: string; Key: string } {
  return { Bucket: BUCKET, Key: key };
}

/** What one node has acknowledged every node answers at once. The judge is the JavaScript SDK, with a client for each node. */

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { assertEquals } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { all, clusterTest, CREDENTIALS, type TestCluster } from "./cluster_test.ts";

const Bucket = "bucket";
const MiB = 1024 * 1024;
const ROUNDS = 10;
/** Inline in the record, and in blocks. */
const SIZES = [100, 20_000];

clusterTest("every node answers at once what one has acknowledged", {}, async (cluster) => {
  using clients = new Clients(cluster);
  for (const writer of clients.all) {
    await buckets(clients, writer);
    await writer.send(new CreateBucketCommand({ Bucket }));
    await overwrites(clients, writer);
    await removals(clients, writer);
    await tags(clients, writer);
    await uploads(clients, writer);
    await removeAll(writer);
  }
});

clusterTest(
  "two clients that write one key over two nodes at once leave one object",
  {},
  async (cluster) => {
    using clients = new Clients(cluster);
    const [first, second] = clients.all;
    if (first === undefined || second === undefined) throw new RangeError("too few nodes");
    await first.send(new CreateBucketCommand({ Bucket }));
    for (let round = 0; round < 3 * ROUNDS; round++) {
      const Key = `key-${round % 4}`;
      const size = SIZES[round % 2] ?? 0;
      await all([first, second].map((client, index) =>
        client.send(
          round % 5 === 4 && index === 0
            ? new DeleteObjectCommand({ Bucket, Key })
            : new PutObjectCommand({ Bucket, Key, Body: patternBytes(size, 2 * round + index) }),
        )
      ));
      const seen = await all(clients.all.map((client) => read(client, Key)));
      assertEquals(new Set(seen).size, 1, `${Key} is ${seen}`);
      const lists = await all(clients.all.map(list));
      assertEquals(new Set(lists).size, 1, lists.join("\n"));
    }
  },
);

/** One for each node. */
class Clients implements Disposable {
  readonly all: readonly AwsClient[];

  constructor(cluster: TestCluster) {
    const { region } = CREDENTIALS;
    this.all = cluster.numbers.map((number) =>
      new AwsClient({ url: cluster.real.url(number), authorityFile: undefined }, { region })
    );
  }

  /** What each gives, over its node; they must be the same. */
  async agree(read: (client: AwsClient) => Promise<unknown>, expected: unknown): Promise<void> {
    const answers = await all(this.all.map(read));
    for (const answer of answers) assertEquals(answer, expected);
  }

  [Symbol.dispose](): void {
    for (const client of this.all) client[Symbol.dispose]();
  }
}

async function buckets(clients: Clients, writer: AwsClient): Promise<void> {
  const names = async (client: AwsClient) =>
    (await client.send(new ListBucketsCommand())).Buckets?.map(({ Name }) => Name) ?? [];
  for (let round = 0; round < 3; round++) {
    await writer.send(new CreateBucketCommand({ Bucket: "passing" }));
    await clients.agree(names, ["passing"]);
    await writer.send(
      new PutBucketTaggingCommand({
        Bucket: "passing",
        Tagging: { TagSet: [{ Key: "round", Value: String(round) }] },
      }),
    );
    await writer.send(new DeleteBucketCommand({ Bucket: "passing" }));
    await clients.agree(names, []);
  }
}

/** In one millisecond when the machine is fast: versions are what decides, not times. */
async function overwrites(clients: Clients, writer: AwsClient): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const [size = 0] = SIZES.slice(round % 2);
    const Body = patternBytes(size, round + 1);
    await writer.send(new PutObjectCommand({ Bucket, Key: "a", Body: patternBytes(size, 99) }));
    await writer.send(new PutObjectCommand({ Bucket, Key: "a", Body }));
    await clients.agree((client) => read(client, "a"), md5(Body));
    await clients.agree(list, `a "${md5(Body)}"`);
  }
}

async function removals(clients: Clients, writer: AwsClient): Promise<void> {
  await writer.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  await clients.agree((client) => read(client, "a"), "NoSuchKey");
  await clients.agree(list, "");
  const keys = ["x", "y", "z"];
  const Body = "soon gone";
  await all(keys.map((Key) => writer.send(new PutObjectCommand({ Bucket, Key, Body }))));
  const Delete = { Objects: [{ Key: "x" }, { Key: "z" }] };
  await writer.send(new DeleteObjectsCommand({ Bucket, Delete }));
  const left = keys.map((Key) => Key === "y" ? md5(new TextEncoder().encode(Body)) : "NoSuchKey");
  await clients.agree((client) => all(keys.map((key) => read(client, key))), left);
  await clients.agree(list, `y "${left[1]}"`);
}

async function tags(clients: Clients, writer: AwsClient): Promise<void> {
  for (const Value of ["1", "2"]) {
    const Tagging = { TagSet: [{ Key: "t", Value }] };
    await writer.send(new PutObjectTaggingCommand({ Bucket, Key: "y", Tagging }));
    await clients.agree(
      async (client) =>
        (await client.send(new GetObjectTaggingCommand({ Bucket, Key: "y" }))).TagSet,
      Tagging.TagSet,
    );
  }
}

/** Each part over another node. */
async function uploads(clients: Clients, writer: AwsClient): Promise<void> {
  const target = { Bucket, Key: "large" };
  const { UploadId } = await writer.send(new CreateMultipartUploadCommand(target));
  await clients.agree(openUploads, [UploadId]);
  const bodies = [patternBytes(5 * MiB, 1), patternBytes(5 * MiB, 2), patternBytes(100, 3)];
  const Parts = await all(bodies.map(async (Body, index) => {
    const client = clients.all[index] ?? writer;
    const part = { PartNumber: index + 1 };
    const { ETag } = await client.send(
      new UploadPartCommand({ ...target, UploadId, ...part, Body }),
    );
    return { ...part, ETag };
  }));
  await clients.agree(
    async (client) =>
      (await client.send(new ListPartsCommand({ ...target, UploadId }))).Parts?.map((
        { PartNumber, ETag },
      ) => ({ PartNumber, ETag })),
    Parts,
  );
  await writer.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
  );
  const whole = md5(new Uint8Array(await new Blob(bodies).arrayBuffer()));
  await clients.agree((client) => read(client, "large"), whole);
  await clients.agree(openUploads, []);
  await writer.send(
    new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/large` }),
  );
  await clients.agree((client) => read(client, "copy"), whole);
  const left = await writer.send(new CreateMultipartUploadCommand(target));
  const abort = new AbortMultipartUploadCommand({ ...target, UploadId: left.UploadId });
  await writer.send(abort);
  await clients.agree(openUploads, []);
}

async function openUploads(client: AwsClient): Promise<unknown> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ UploadId }) => UploadId);
}

/** MD5 of what is there, or the code of the error. */
async function read(client: AwsClient, Key: string): Promise<string> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return md5(await Body?.transformToByteArray() ?? new Uint8Array());
  } catch (error) {
    if (error instanceof S3ServiceException) return error.name;
    throw error;
  }
}

/** Keys and ETags. */
async function list(client: AwsClient): Promise<string> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key, ETag }) => `${Key} ${ETag}`).join("\n");
}

async function removeAll(client: AwsClient): Promise<void> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }));
  await client.send(new DeleteBucketCommand({ Bucket }));
}

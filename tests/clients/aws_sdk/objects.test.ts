/** The JavaScript SDK: objects, their metadata, conditions, ranges, copies and listings. */

import {
  type ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { AwsClient } from "../../support/aws_client.ts";
import { md5, patternBytes, sha256 } from "../../support/bytes.ts";
import { NASTY_KEYS } from "../../support/names.ts";
import { testOverBothSchemes } from "../../support/schemes.ts";

const Bucket = "objects";

testOverBothSchemes("aws-sdk objects", async ({ program, step }) => {
  using client = new AwsClient(program);
  await client.send(new CreateBucketCommand({ Bucket }));

  const get = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToByteArray() ?? new Uint8Array();
  };
  const listKeys = async (Prefix: string) => {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client, pageSize: 7 }, { Bucket, Prefix })) {
      for (const { Key } of page.Contents ?? []) keys.push(Key ?? "");
    }
    return keys;
  };

  await step("metadata comes back as it was given", async () => {
    const given = {
      ContentType: "text/plain; charset=utf-8",
      CacheControl: "max-age=60",
      ContentDisposition: 'attachment; filename="a b.txt"',
      ContentEncoding: "gzip",
      ContentLanguage: "de",
      Metadata: { "one": "1", "two-words": "a b" },
      WebsiteRedirectLocation: "/elsewhere",
    };
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key: "meta", Body: "hello", ...given }),
    );
    assertEquals(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "meta" }));
    for (const [name, value] of Object.entries(given)) {
      assertEquals(head[name as keyof typeof given], value, name);
    }
    assertEquals(head.ContentLength, 5);
    assertEquals(head.ETag, put.ETag);
  });

  await step("a stream is sent with a trailing checksum and stored whole", async () => {
    const bytes = patternBytes(300_000);
    const Body = Readable.from([bytes.subarray(0, 70_001), bytes.subarray(70_001)]);
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key: "stream", Body, ContentLength: bytes.length }),
    );
    assertEquals(put.ETag, `"${md5(bytes)}"`);
    assertEquals(sha256(await get("stream")), sha256(bytes));
  });

  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    await step(`${algorithm} is kept and given back`, () => checksumRoundTrip(algorithm));
  }
  async function checksumRoundTrip(ChecksumAlgorithm: ChecksumAlgorithm) {
    const Key = `checksum-${ChecksumAlgorithm}`;
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key, Body: patternBytes(1000), ChecksumAlgorithm }),
    );
    const field = `Checksum${ChecksumAlgorithm}` as const;
    const head = await client.send(
      new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }),
    );
    assertEquals(typeof put[field as keyof typeof put], "string");
    assertEquals(head[field as keyof typeof head], put[field as keyof typeof put]);
    const attributes = await client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"],
      }),
    );
    assertEquals(attributes.ObjectSize, 1000);
    assertEquals(
      attributes.Checksum?.[field as keyof typeof attributes.Checksum],
      head[
        field as keyof typeof head
      ],
    );
  }

  await step("ranges", async () => {
    const bytes = patternBytes(1000);
    await client.send(new PutObjectCommand({ Bucket, Key: "range", Body: bytes }));
    for (
      const [Range, start, end] of [["bytes=10-19", 10, 20], ["bytes=-7", 993, 1000], [
        "bytes=990-5000",
        990,
        1000,
      ]] as const
    ) {
      const part = await client.send(new GetObjectCommand({ Bucket, Key: "range", Range }));
      assertEquals(part.ContentRange, `bytes ${start}-${end - 1}/1000`);
      assertEquals(await part.Body?.transformToByteArray(), bytes.slice(start, end));
    }
    const beyond = new GetObjectCommand({ Bucket, Key: "range", Range: "bytes=1000-" });
    assertEquals((await assertRejects(() => client.send(beyond), Error)).name, "InvalidRange");
  });

  await step("conditional reads", async () => {
    const { ETag = "" } = await client.send(
      new PutObjectCommand({ Bucket, Key: "cond", Body: "x" }),
    );
    const reading = (condition: object) =>
      client.send(new GetObjectCommand({ Bucket, Key: "cond", ...condition }))
        .then((reply) => reply.Body?.transformToString());
    assertEquals(await reading({ IfMatch: ETag }), "x");
    const unchanged = await assertRejects(() => reading({ IfNoneMatch: ETag }), S3ServiceException);
    assertEquals(unchanged.$metadata.httpStatusCode, 304);
    const changed = await assertRejects(() => reading({ IfMatch: '"other"' }), Error);
    assertEquals(changed.name, "PreconditionFailed");
  });

  await step("of racing conditional writers exactly one wins", async () => {
    const writers = Array.from({ length: 12 }, (_, i) =>
      client.send(
        new PutObjectCommand({ Bucket, Key: "race", Body: `writer ${i}`, IfNoneMatch: "*" }),
      ).then(() => "won", (error: Error) => error.name));
    const outcomes = await Promise.all(writers);
    assertEquals(outcomes.filter((outcome) => outcome === "won").length, 1);
    const losers = new Set(outcomes.filter((outcome) => outcome !== "won"));
    losers.delete("PreconditionFailed");
    losers.delete("ConditionalRequestConflict");
    assertEquals([...losers], []);
  });

  await step("copies keep or replace metadata", async () => {
    const Metadata = { a: "1" };
    await client.send(new PutObjectCommand({ Bucket, Key: "from +ü", Body: "copy me", Metadata }));
    const CopySource = `${Bucket}/${encodeURIComponent("from +ü")}`;
    const copied = await client.send(new CopyObjectCommand({ Bucket, Key: "kept", CopySource }));
    assertEquals(copied.CopyObjectResult?.ETag, `"${md5(new TextEncoder().encode("copy me"))}"`);
    const kept = await client.send(new HeadObjectCommand({ Bucket, Key: "kept" }));
    assertEquals(kept.Metadata, Metadata);
    await client.send(
      new CopyObjectCommand({
        Bucket,
        Key: "from +ü",
        CopySource,
        MetadataDirective: "REPLACE",
        Metadata: { b: "2" },
      }),
    );
    const replaced = await client.send(new HeadObjectCommand({ Bucket, Key: "from +ü" }));
    assertEquals(replaced.Metadata, { b: "2" });
    assertEquals(new TextDecoder().decode(await get("from +ü")), "copy me");
  });

  await step("tags", async () => {
    await client.send(
      new PutObjectCommand({ Bucket, Key: "tagged", Body: "x", Tagging: "a=1&b=%C3%BC" }),
    );
    const tagging = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "tagged" }));
    assertEquals(tagging.TagSet, [{ Key: "a", Value: "1" }, { Key: "b", Value: "ü" }]);
    await client.send(
      new PutObjectTaggingCommand({
        Bucket,
        Key: "tagged",
        Tagging: { TagSet: [{ Key: "c", Value: "ä +-=._:/@" }] },
      }),
    );
    const changed = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "tagged" }));
    assertEquals(changed.TagSet, [{ Key: "c", Value: "ä +-=._:/@" }]);
  });

  await step("keys of every kind go there and back, and are listed in byte order", async () => {
    const keys = NASTY_KEYS.map((key) => `nasty/${key}`);
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    for (const Key of keys) assertEquals(new TextDecoder().decode(await get(Key)), Key);
    assertEquals(await listKeys("nasty/"), keys.toSorted(compareBytes));
    const v1 = await client.send(new ListObjectsCommand({ Bucket, Prefix: "nasty/" }));
    assertEquals(v1.Contents?.length, keys.length);
    const versions = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: "nasty/" }),
    );
    assertEquals(versions.Versions?.length, keys.length);
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    assertEquals(Deleted?.length, keys.length);
    assertEquals(Errors, undefined);
    assertEquals(await listKeys("nasty/"), []);
  });

  await step("a delimiter makes folders", async () => {
    for (const Key of ["tree/a", "tree/b/1", "tree/b/2", "tree/c/d/e"]) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: "" }));
    }
    const files: string[] = [];
    const folders: string[] = [];
    const input = { Bucket, Prefix: "tree/", Delimiter: "/" };
    for await (const page of paginateListObjectsV2({ client, pageSize: 1 }, input)) {
      files.push(...page.Contents?.map(({ Key }) => Key ?? "") ?? []);
      folders.push(...page.CommonPrefixes?.map(({ Prefix }) => Prefix ?? "") ?? []);
    }
    assertEquals([files, folders], [["tree/a"], ["tree/b/", "tree/c/"]]);
  });

  await step("what isn't there", async () => {
    const missing = () => client.send(new GetObjectCommand({ Bucket, Key: "missing" }));
    assertInstanceOf(await assertRejects(missing), NoSuchKey);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "missing" }));
  });
});

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

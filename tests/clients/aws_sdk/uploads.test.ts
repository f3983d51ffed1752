/** The JavaScript SDK: multipart uploads by hand and by lib-storage. */

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListParts,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Readable } from "node:stream";
import { AwsClient } from "../../support/aws_client.ts";
import { md5, patternBytes, sha256 } from "../../support/bytes.ts";
import { testOverBothSchemes } from "../../support/schemes.ts";

const Bucket = "uploads";
const MiB = 1024 * 1024;

testOverBothSchemes("aws-sdk uploads", async ({ program, step }) => {
  using client = new AwsClient(program);
  await client.send(new CreateBucketCommand({ Bucket }));

  const get = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToByteArray() ?? new Uint8Array();
  };
  const create = async (Key: string) => {
    const { UploadId = "" } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    return { Bucket, Key, UploadId };
  };

  await step("lib-storage uploads a stream of unknown length in parts", async () => {
    const bytes = patternBytes(13 * MiB + 17);
    const Body = Readable.from(chunksOf(bytes, 100_000));
    const params = { Bucket, Key: "big", Body, ContentType: "video/x", Metadata: { a: "b" } };
    const result = await new Upload({ client, params, queueSize: 3 }).done();
    assertMatch(result.ETag ?? "", /^"[0-9a-f]{32}-3"$/);
    assertEquals(sha256(await get("big")), sha256(bytes));
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "big" }));
    assertEquals([head.ContentType, head.Metadata], ["video/x", { a: "b" }]);
    const part = await client.send(new HeadObjectCommand({ Bucket, Key: "big", PartNumber: 3 }));
    assertEquals([part.PartsCount, part.ContentLength], [3, 3 * MiB + 17]);
  });

  await step("lib-storage sends a small stream as one object", async () => {
    const params = { Bucket, Key: "small", Body: Readable.from([patternBytes(1000)]) };
    const result = await new Upload({ client, params }).done();
    assertEquals(result.ETag, `"${md5(patternBytes(1000))}"`);
  });

  await step("parts out of order, one replaced, one left out", async () => {
    const upload = await create("parts");
    const send = async (PartNumber: number, Body: Uint8Array) => {
      const { ETag = "" } = await client.send(
        new UploadPartCommand({ ...upload, PartNumber, Body }),
      );
      return { PartNumber, ETag };
    };
    const [tail, middle, first] = [
      patternBytes(1000),
      patternBytes(5 * MiB, 2),
      patternBytes(5 * MiB, 3),
    ];
    const last = await send(9, tail);
    await send(2, patternBytes(10));
    const left = await send(5, patternBytes(20));
    const second = await send(2, middle);
    const start = await send(1, first);
    assertEquals(left.PartNumber, 5);
    const numbers: (number | undefined)[] = [];
    for await (const page of paginateListParts({ client, pageSize: 3 }, upload)) {
      numbers.push(...page.Parts?.map((part) => part.PartNumber) ?? []);
    }
    assertEquals(numbers, [1, 2, 5, 9]);
    const complete = (Parts: object[]) =>
      client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    const wrongOrder = await assertRejects(() => complete([second, start, last]), Error);
    assertEquals(wrongOrder.name, "InvalidPartOrder");
    const wrongTag = await assertRejects(() => complete([{ ...start, ETag: '"0"' }, last]), Error);
    assertEquals(wrongTag.name, "InvalidPart");
    const tooSmall = await assertRejects(() => complete([start, left, last]), Error);
    assertEquals(tooSmall.name, "EntityTooSmall");
    const done = await complete([start, second, last]);
    const again = await complete([start, second, last]);
    assertEquals(again.ETag, done.ETag);
    const whole = await new Blob([first, middle, tail]).bytes();
    assertEquals(sha256(await get("parts")), sha256(whole));
  });

  await step("parts copied from another object", async () => {
    const source = patternBytes(11 * MiB, 5);
    await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: source }));
    const upload = await create("copied");
    const Parts: object[] = [];
    for (const [index, range] of [[0, 6 * MiB - 1], [6 * MiB, 11 * MiB - 1]].entries()) {
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...upload,
          PartNumber: index + 1,
          CopySource: `${Bucket}/source`,
          CopySourceRange: `bytes=${range.join("-")}`,
        }),
      );
      Parts.push({ PartNumber: index + 1, ETag: CopyPartResult?.ETag });
    }
    await client.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
    );
    assertEquals(sha256(await get("copied")), sha256(source));
  });

  await step("checksums of parts make one of the whole", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC64NVME", "SHA256"] as const) {
      const params = {
        Bucket,
        Key: ChecksumAlgorithm,
        Body: patternBytes(6 * MiB),
        ChecksumAlgorithm,
      };
      const result = await new Upload({ client, params }).done();
      const checksum = result[`Checksum${ChecksumAlgorithm}`] ?? "";
      assertMatch(checksum, ChecksumAlgorithm === "SHA256" ? /=-2$/ : /=/, ChecksumAlgorithm);
      const head = await client.send(
        new HeadObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: "ENABLED" }),
      );
      assertEquals(head[`Checksum${ChecksumAlgorithm}`], checksum);
    }
  });

  await step("an aborted upload leaves nothing", async () => {
    const upload = await create("aborted");
    await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: "x" }));
    const list = () => client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "aborted" }));
    assertEquals((await list()).Uploads?.map(({ UploadId }) => UploadId), [upload.UploadId]);
    await client.send(new AbortMultipartUploadCommand(upload));
    assertEquals((await list()).Uploads, undefined);
    const late = () => client.send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: "x" }));
    assertEquals((await assertRejects(late, Error)).name, "NoSuchUpload");
  });
});

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}

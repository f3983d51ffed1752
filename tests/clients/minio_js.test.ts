/** minio's JavaScript client. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Client, CopyDestinationOptions, CopySourceOptions } from "minio";
import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import { trustingAgent } from "../support/aws_client.ts";
import { md5, patternBytes, sha256 } from "../support/bytes.ts";
import { NASTY_KEYS } from "../support/names.ts";
import type { Program } from "../support/program.ts";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MiB = 1024 * 1024;

testOverBothSchemes("minio", async ({ program, step }) => {
  const client = clientOf(program);
  await using temp = await TempDir.make();
  const bucket = "minio-js";

  const read = async (key: string) => await collect(await client.getObject(bucket, key));

  await step("buckets", async () => {
    await client.makeBucket(bucket);
    assertEquals(await client.bucketExists(bucket), true);
    assertEquals(await client.bucketExists("nothere"), false);
    assertEquals((await client.listBuckets()).map(({ name }) => name), [bucket]);
    await client.makeBucket(bucket, "us-east-1");
  });

  await step("a file there and back, in parts", async () => {
    const bytes = patternBytes(17 * MiB + 1);
    await Deno.writeFile(`${temp.path}/up`, bytes);
    const file = client as Client & { partSize: number };
    file.partSize = 6 * MiB;
    const { etag } = await client.fPutObject(bucket, "big file", `${temp.path}/up`, { "x": "y" });
    assertMatch(etag, /^[0-9a-f]{32}-\d$/);
    await client.fGetObject(bucket, "big file", `${temp.path}/down`);
    assertEquals(sha256(await Deno.readFile(`${temp.path}/down`)), sha256(bytes));
    const stat = await client.statObject(bucket, "big file");
    assertEquals([stat.size, stat.metaData.x], [bytes.length, "y"]);
  });

  await step("buffers and keys of every kind", async () => {
    for (const key of NASTY_KEYS) {
      const { etag } = await client.putObject(bucket, key, key);
      assertEquals(etag, md5(new TextEncoder().encode(key)));
      assertEquals(new TextDecoder().decode(await read(key)), key);
    }
    const listed: string[] = [];
    for await (const item of client.listObjectsV2(bucket, "", true)) listed.push(item.name);
    assertEquals(listed.toSorted(), [...NASTY_KEYS, "big file"].toSorted());
    await client.removeObject(bucket, "control\u0001here"); // it can't write this one as XML
    await client.removeObjects(bucket, NASTY_KEYS.filter((key) => !key.startsWith("control")));
    assertEquals(await collectNames(client.listObjects(bucket, "", true)), ["big file"]);
  });

  await step("part of an object, a copy, tags", async () => {
    const bytes = patternBytes(1000);
    await client.putObject(bucket, "source", patternBuffer(bytes));
    const part = await collect(await client.getPartialObject(bucket, "source", 10, 20));
    assertEquals(part, bytes.slice(10, 30));
    await client.copyObject(
      new CopySourceOptions({ Bucket: bucket, Object: "source" }),
      new CopyDestinationOptions({ Bucket: bucket, Object: "copy" }),
    );
    assertEquals(await read("copy"), bytes);
    await client.setObjectTagging(bucket, "copy", { a: "b" });
    assertEquals(await client.getObjectTagging(bucket, "copy"), [{ Key: "a", Value: "b" }]);
  });

  await step("presigned URLs and a form", async () => {
    using plain = openFetch(program);
    const put = await client.presignedPutObject(bucket, "signed ü", 60);
    assertEquals((await plain.text(put, { method: "PUT", body: "hello" })).status, 200);
    const get = await client.presignedGetObject(bucket, "signed ü", 60);
    assertEquals(await plain.text(get), { status: 200, text: "hello" });
    const policy = client.newPostPolicy();
    policy.setBucket(bucket);
    policy.setKey("form");
    policy.setExpires(new Date(Date.now() + 60_000));
    const { postURL, formData } = await client.presignedPostPolicy(policy);
    const form = new FormData();
    for (const [name, value] of Object.entries(formData)) form.append(name, String(value));
    form.append("file", new File(["from a form"], "x"));
    assertEquals((await plain.text(postURL, { method: "POST", body: form })).status, 204);
    assertEquals(new TextDecoder().decode(await read("form")), "from a form");
  });

  await step("what isn't there", async () => {
    const error = await assertRejects(() => client.getObject(bucket, "missing"), Error);
    assertEquals((error as Error & { code?: string }).code, "NoSuchKey");
    await client.removeObject(bucket, "missing");
  });
});

function clientOf(program: Program): Client {
  const { hostname, port, protocol } = new URL(program.url);
  const isTls = protocol === "https:";
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: isTls,
    accessKey: "minioadmin",
    secretKey: "minioadmin",
    ...(program.authorityFile === undefined
      ? {}
      : { transportAgent: trustingAgent(program.authorityFile) }),
  });
}

async function collect(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

async function collectNames(
  stream: AsyncIterable<{ name?: string }>,
): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  for await (const { name } of stream) names.push(name);
  return names;
}

function patternBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

/** The JavaScript SDK: presigned URLs and browser forms, used by clients that have no keys. */

import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../../support/aws_client.ts";
import { patternBytes } from "../../support/bytes.ts";
import { testOverBothSchemes } from "../../support/schemes.ts";
import { openFetch } from "../../support/trusting_fetch.ts";

const Bucket = "presigned";

testOverBothSchemes("aws-sdk presigned", async ({ program, step }) => {
  using client = new AwsClient(program);
  using plain = openFetch(program);
  await client.send(new CreateBucketCommand({ Bucket }));

  await step("a URL to PUT, one to GET, one to HEAD", async () => {
    const object = { Bucket, Key: "a b/ü+%.bin" };
    const bytes = patternBytes(10_000);
    const put = await getSignedUrl(client, new PutObjectCommand(object), { expiresIn: 60 });
    const stored = await plain.fetch(put, { method: "PUT", body: bytes });
    assertEquals([stored.status, await stored.text()], [200, ""]);
    const get = await getSignedUrl(client, new GetObjectCommand(object));
    const got = await plain.fetch(get);
    assertEquals(new Uint8Array(await got.arrayBuffer()), bytes);
    const head = await getSignedUrl(client, new HeadObjectCommand(object));
    const seen = await plain.fetch(head, { method: "HEAD" });
    assertEquals([seen.status, seen.headers.get("content-length")], [200, "10000"]);
    assertEquals((await plain.text(get, { method: "PUT", body: "x" })).status, 403);
  });

  await step("a URL that names the response's headers", async () => {
    const command = new GetObjectCommand({
      Bucket,
      Key: "a b/ü+%.bin",
      ResponseContentType: "text/x-test",
      ResponseContentDisposition: 'attachment; filename="x y"',
    });
    const reply = await plain.fetch(await getSignedUrl(client, command));
    await reply.body?.cancel();
    assertEquals(reply.headers.get("content-type"), "text/x-test");
    assertEquals(reply.headers.get("content-disposition"), 'attachment; filename="x y"');
  });

  await step("a URL that was changed, or has expired", async () => {
    const object = new GetObjectCommand({ Bucket, Key: "a b/ü+%.bin" });
    const url = await getSignedUrl(client, object);
    const changed = await plain.text(url.replace("presigned/a", "presigned/b"));
    assertEquals(changed.status, 403);
    assertMatch(changed.text, /<Code>SignatureDoesNotMatch<\/Code>/);
    const signingDate = new Date(Date.now() - 120_000);
    const old = await getSignedUrl(client, object, { expiresIn: 60, signingDate });
    const expired = await plain.text(old);
    assertEquals(expired.status, 403);
    assertMatch(expired.text, /<Code>AccessDenied<\/Code>.*Request has expired/);
  });

  await step("a form", async () => {
    const { url, fields } = await createPresignedPost(client, {
      Bucket,
      Key: "form/${filename}",
      Conditions: [["content-length-range", 1, 100], ["starts-with", "$Content-Type", "text/"]],
      Fields: { "Content-Type": "text/plain" },
    });
    const post = (body: string) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", new File([body], "hello.txt"));
      return plain.text(url, { method: "POST", body: form });
    };
    assertEquals((await post("from a form")).status, 204);
    const stored = await client.send(new GetObjectCommand({ Bucket, Key: "form/hello.txt" }));
    assertEquals(await stored.Body?.transformToString(), "from a form");
    assertEquals(stored.ContentType, "text/plain");
    const tooLarge = await post("x".repeat(101));
    assertEquals(tooLarge.status, 400);
    assertMatch(tooLarge.text, /<Code>EntityTooLarge<\/Code>/);
  });
});

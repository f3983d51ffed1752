/** Starting: what is printed, what is there when the ready line comes, and who else is kept out. */

import { HeadBucketCommand, ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program, runProgram } from "../support/program.ts";
import { exchange } from "../support/raw_http.ts";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openFetch } from "../support/trusting_fetch.ts";

testOverBothSchemes(
  "health is 200 as soon as the ready line is there",
  async ({ program, step }) => {
    using plain = openFetch(program);
    for (const path of ["/_zs3/health", "/minio/health/live", "/minio/health/ready"]) {
      await step(path, async () => {
        assertEquals((await plain.text(`${program.url}${path}`)).status, 200);
        const head = await plain.text(`${program.url}${path}`, { method: "HEAD" });
        assertEquals(head, { status: 200, text: "" });
      });
    }
  },
);

Deno.test("start-up prints where, what and how, and the ready line last", async () => {
  await using program = await Program.start();
  const { stdout } = program;
  assertMatch(program.url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
  assertEquals(stdout.endsWith(`\nzs3 ready ${program.url}\n`), true);
  assertEquals(stdout.includes(program.dataDir), true);
  assertMatch(stdout, /warning .*default keys/);
  assertMatch(stdout, new RegExp(`aws --endpoint-url ${program.url} s3 ls`));
  assertEquals(program.stderr, "");
});

Deno.test("--buckets are there when the ready line is", async () => {
  await using program = await Program.start({ flags: ["--buckets=ci-cache,public-assets:public"] });
  using client = new AwsClient(program);
  const { Buckets } = await client.send(new ListBucketsCommand());
  assertEquals(Buckets?.map(({ Name }) => Name), ["ci-cache", "public-assets"]);
  using plain = openFetch(program);
  assertEquals((await plain.text(`${program.url}/public-assets`)).status, 200);
  assertEquals((await plain.text(`${program.url}/ci-cache`)).status, 403);
});

Deno.test("MinIO's variables set the administrator, without a warning", async () => {
  const keys = { accessKeyId: "someone", secretAccessKey: "a long secret" };
  await using program = await Program.start({
    environment: { MINIO_ROOT_USER: keys.accessKeyId, MINIO_ROOT_PASSWORD: keys.secretAccessKey },
  });
  using client = new AwsClient(program, { credentials: keys });
  await client.send(new ListBucketsCommand());
  using stranger = new AwsClient(program);
  const refused = await assertRejects(() => stranger.send(new ListBucketsCommand()), Error);
  assertEquals(refused.name, "InvalidAccessKeyId");
  assertEquals(program.stdout.includes("warning"), false);
});

Deno.test("--domain serves buckets by host name", async () => {
  await using program = await Program.start({
    flags: ["--domain=s3.example.com", "--buckets=virtual:public"],
  });
  using client = new AwsClient(program);
  await client.send(new PutObjectCommand({ Bucket: "virtual", Key: "k", Body: "by host name" }));
  const answerOf = (host: string, pattern: RegExp) =>
    exchange(program, `GET /k HTTP/1.1\r\nHost: ${host}\r\n\r\n`, pattern);
  const served = /^HTTP\/1\.1 200 [^]*by host name$/;
  assertMatch(await answerOf("virtual.s3.example.com", served), served);
  const refused = /^HTTP\/1\.1 [34]\d\d [^]*<\/Error>$/;
  assertMatch(await answerOf("virtual.elsewhere.com", refused), refused);
});

Deno.test("--log writes one line per request to stderr, in the form asked for", async () => {
  for (
    const [form, pattern] of [
      ["text", /^\S+Z [0-9A-F]{16} minioadmin HeadBucket logged 200 - - \S+ [\d.]+ms\n$/],
      ["json", /^\{"time":"\S+Z",(?=.*"operation":"HeadBucket")(?=.*"status":200).*\}\n$/],
      ["off", /^$/],
    ] as const
  ) {
    await using program = await Program.start({ flags: [`--log=${form}`, "--buckets=logged"] });
    using client = new AwsClient(program);
    await client.send(new HeadBucketCommand({ Bucket: "logged" }));
    client.destroy();
    assertMatch((await program.stop()).stderr, pattern);
  }
});

Deno.test("a second process on the same data dir is kept out until the first has ended", async () => {
  await using temp = await TempDir.make();
  const dataDir = `${temp.path}/data`;
  await using first = await Program.start({ dataDir });
  for (const words of [["serve", "--port=0"], ["check", "--repair"], ["index"]]) {
    const second = await runProgram([...words, `--data-dir=${dataDir}`]);
    assertEquals([second.code, second.stdout], [1, ""]);
    assertMatch(second.stderr, /^zs3: the data dir .* is in use by another zs3 process.*\n$/);
  }
  await first.stop("SIGKILL");
  await using third = await Program.start({ dataDir });
  assertEquals((await third.stop()).code, 0);
});

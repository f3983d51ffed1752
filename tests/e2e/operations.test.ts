/** What an operator has besides the server: the config file, what is in force, and the doctor. */

import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { scriptOptions } from "../support/child.ts";
import { Program, runProgram } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MAIN = new URL("../../main.ts", import.meta.url).href;
const SECRET = "hush-hush-1";
const KEYS = { accessKeyId: "root", secretAccessKey: SECRET };

Deno.test("a server takes its flags from --config, and the command line wins", async () => {
  await using temp = await TempDir.make();
  const file = `${temp.path}/zs3.jsonc`;
  await Deno.writeTextFile(
    file,
    `{ // of this test
      "access-key": "root", "secret-key": "${SECRET}",
      "buckets": ["of-file"], "host": "192.0.2.1", // not this machine's: the flag wins
    }`,
  );
  await using program = await Program.start({ environment: { ZS3_CONFIG: file } });
  using client = new AwsClient(program, { credentials: KEYS });
  const { Buckets } = await client.send(new ListBucketsCommand());
  assertEquals(Buckets?.map(({ Name }) => Name), ["of-file"]);
});

Deno.test("zs3 config says what is in force and where it came from, and shows no secret", async () => {
  await using temp = await TempDir.make();
  const file = `${temp.path}/zs3.json`;
  await Deno.writeTextFile(file, JSON.stringify({ "port": 81, "secret-key": SECRET }));
  const { code, stdout, stderr } = await runProgram(
    ["config", `--config=${file}`, "--log=json"],
    { MINIO_ROOT_USER: "root", ZS3_ACL: `reader:r:${SECRET}` },
  );
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^port +81 +\S+zs3\.json: port$/m);
  assertMatch(stdout, /^log +json +--log$/m);
  assertMatch(stdout, /^access-key +root +MINIO_ROOT_USER$/m);
  assertMatch(stdout, /^acl +reader:r:\*\*\* +ZS3_ACL$/m);
  assertEquals(stdout.includes(SECRET), false);
});

Deno.test("a mistake in the config file is one line and exit 2", async () => {
  await using temp = await TempDir.make();
  const file = `${temp.path}/zs3.json`;
  for (
    const [text, message] of [
      ['{"prot": 80}', `zs3: ${file}:1: unknown name "prot": did you mean port?\n`],
      [
        '{"port": 80000}',
        `zs3: ${file}: port must be a whole number from 0 to 65535, not "80000"\n`,
      ],
      [`{"secret-key": "${SECRET}`, `zs3: ${file}:1: a text that ends on its line is expected\n`],
    ] as const
  ) {
    await Deno.writeTextFile(file, text);
    const outcome = await runProgram([`--config=${file}`, `--data-dir=${temp.path}/data`]);
    assertEquals(outcome, { code: 2, stdout: "", stderr: message });
  }
  const missing = await runProgram(["check", `--config=${file}x`]);
  assertEquals(missing.code, 2);
  assertEquals(
    missing.stderr,
    `zs3: the config file ${file}x can't be read: No such file or directory\n`,
  );
  assertEquals((await runProgram(["--help", `--config=${file}x`])).code, 0);
});

Deno.test("the log holds neither a secret nor a signature, whoever asks for what", async () => {
  for (const form of ["text", "json"]) {
    await using program = await Program.start({
      flags: [`--log=${form}`, "--access-key=root", "--buckets=bucket"],
      environment: { ZS3_SECRET_KEY: SECRET },
    });
    using client = new AwsClient(program, { credentials: KEYS });
    await client.send(new PutObjectCommand({ Bucket: "bucket", Key: "a", Body: "12345" }));
    const get = new GetObjectCommand({ Bucket: "bucket", Key: "a" });
    const presigned = await getSignedUrl(client, get);
    using plain = openFetch(program);
    assertEquals((await plain.text(presigned)).status, 200);
    assertEquals((await plain.text(`${presigned}0`)).status, 403);
    const secretInPlaceOfSignature = presigned.replace(/(?<=X-Amz-Signature=)\w+/, SECRET);
    assertEquals((await plain.text(secretInPlaceOfSignature)).status, 403);
    const authorization = `AWS root:${SECRET}`;
    await plain.text(`${program.url}/bucket`, { headers: { authorization } });
    const { stderr } = await program.stop();
    const lines = stderr.trimEnd().split("\n");
    assertEquals(lines.length, 5);
    const signature = /X-Amz-Signature=(\w+)/.exec(presigned)?.[1] ?? "";
    for (const word of [SECRET, signature, "ignature=", "X-Amz", "AWS4"]) {
      assertEquals(stderr.includes(word), false, word);
    }
    const put = form === "text"
      ? /^\S+Z [0-9A-F]{16} root PutObject bucket\/a 200 - \d+ 0 [\d.]+ms$/
      : /^\{"time":"\S+Z","requestId":"[0-9A-F]{16}".*"durationMs":[\d.]+,.*"operation":"PutObject","bucket":"bucket","key":"a","accessKeyId":"root","status":200/;
    assertMatch(lines[0] ?? "", put);
  }
});

/** The rights that a compiled zs3 has: no others, and no programs of others. */
const RIGHTS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];

async function runDoctor(words: readonly string[], rights: readonly string[]) {
  const options = scriptOptions(MAIN, ["doctor", ...words], {
    ZS3_SECRET_KEY: SECRET,
    ZS3_ACCESS_KEY: "root",
  });
  const args = ["run", ...rights, ...(options.args ?? []).slice(2)];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { ...options, args })
    .output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

for (const rights of [["-A"], RIGHTS]) {
  Deno.test(`doctor reports beside a running server, with ${rights.length} rights`, async () => {
    await using program = await Program.start();
    const { port } = new URL(program.url);
    const before = [...Deno.readDirSync(program.dataDir)].map(({ name }) => name).toSorted();
    const { code, stdout, stderr } = await runDoctor(
      [`--data-dir=${program.dataDir}`, "--host=127.0.0.1", `--port=${port}`],
      rights,
    );
    assertEquals(stderr, "");
    assertMatch(
      stdout,
      /ok {4}data dir .*of a standalone server, mode \d+, locked: a zs3 is running/,
    );
    assertMatch(stdout, /ok {4}port .*taken, as by the zs3 that is running/);
    assertMatch(stdout, /fsync .*4 KiB durable in [\d.]+ (µs|ms)/);
    for (const subject of ["zs3", "free space", "file system", "clock", "open files", "memory"]) {
      assertMatch(stdout, new RegExp(`^  (ok|note|bad) +${subject} `, "m"));
    }
    assertEquals(code, /^ {2}bad/m.test(stdout) ? 1 : 0);
    assertEquals(stdout.includes(SECRET), false);
    const after = [...Deno.readDirSync(program.dataDir)].map(({ name }) => name).toSorted();
    assertEquals(after, before);
    assertEquals(program.stderr, "");
  });
}

Deno.test("doctor finds what keeps a server from starting, and makes nothing", async () => {
  await using temp = await TempDir.make();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await Deno.writeTextFile(`${temp.path}/file`, "");
  await Deno.writeTextFile(`${temp.path}/cert.pem`, "x");
  const { code, stdout } = await runDoctor([
    `--data-dir=${temp.path}/file`,
    "--host=127.0.0.1",
    `--port=${taken.addr.port}`,
    `--tls-cert=${temp.path}/cert.pem`,
    `--tls-key=${temp.path}/none.pem`,
  ], RIGHTS);
  assertEquals(code, 1);
  assertMatch(stdout, /bad {3}data dir .*file is no folder/);
  assertMatch(stdout, /bad {3}port .*taken by another program/);
  assertMatch(stdout, /bad {3}certificate .*not a PEM file/);
  assertMatch(stdout, /\n3 things are wrong\n$/);

  const fresh = await runDoctor([`--data-dir=${temp.path}/a/b`, "--port=0"], RIGHTS);
  assertMatch(fresh.stdout, /ok {4}data dir .*\/a\/b will be made at start/);
  assert(![...Deno.readDirSync(temp.path)].some(({ name }) => name === "a"));
});

/** SIGHUP: keys and certificates change under a server that runs, and nobody who is connected notices. */

import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Readable } from "node:stream";
import { AwsClient } from "../support/aws_client.ts";
import { LocalCluster } from "../support/local_cluster.ts";
import { makeCertificate, type TestCertificate } from "../support/certificate.ts";
import { Program } from "../support/program.ts";
import { untilReceiving } from "../support/receiving.ts";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = { accessKeyId: "root", secretAccessKey: "a long secret" };
const HALF = new Uint8Array(200_000).fill(7);
const WAIT_MS_MAX = 20_000;

async function said(program: Program, pattern: RegExp): Promise<void> {
  const endsAt = performance.now() + WAIT_MS_MAX;
  while (!pattern.test(program.stderr)) {
    if (performance.now() > endsAt) throw new Error(`${pattern} isn't in\n${program.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An upload of which one half is sent, and the other when `finish` is called. Has begun when it is returned. */
async function beginUpload(program: Program, client: S3Client, Key: string) {
  const rest = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const Body = Readable.from((async function* () {
    yield HALF;
    begun.resolve();
    await rest.promise;
    yield HALF;
  })());
  const ended = client.send(
    new PutObjectCommand({ Bucket: "bucket", Key, Body, ContentLength: 2 * HALF.length }),
  );
  ended.catch(begun.reject);
  await begun.promise;
  await untilReceiving(program.dataDir, 1);
  return {
    finish: async () => {
      rest.resolve();
      await ended;
    },
  };
}

async function sizeOf(client: S3Client, Key: string): Promise<number | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }));
  return (await Body?.transformToByteArray())?.length;
}

Deno.test({
  name: "SIGHUP takes key pairs from the config file, also under an upload",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using temp = await TempDir.make();
    const file = `${temp.path}/zs3.json`;
    const write = (settings: object) => Deno.writeTextFile(file, JSON.stringify(settings));
    await write({ "access-key": "root", "secret-key": ROOT.secretAccessKey });
    await using program = await Program.start({ flags: [`--config=${file}`, "--log-level=info"] });
    using old = new AwsClient(program, { credentials: ROOT });
    await old.send(new CreateBucketCommand({ Bucket: "bucket" }));
    const upload = await beginUpload(program, old, "slow");

    await write({
      "access-key": "root",
      "secret-key": "another secret",
      "acl": ["reader:r:readers secret"],
      "region": "eu-west-1",
    });
    program.signal("SIGHUP");
    await said(program, /notice: SIGHUP: 2 key pairs in force: added r, changed root\n/);
    await said(program, /notice: SIGHUP: only a restart takes in what is new of region\n/);
    const refused = await assertRejects(() => old.send(new ListBucketsCommand()), Error);
    assertEquals(refused.name, "SignatureDoesNotMatch");
    await upload.finish();
    using reader = new AwsClient(program, {
      credentials: { accessKeyId: "r", secretAccessKey: "readers secret" },
    });
    assertEquals(await sizeOf(reader, "slow"), 2 * HALF.length);

    await Deno.writeTextFile(file, '{"access-key": "stranger", "secret-key": "stranger secret"');
    program.signal("SIGHUP");
    await said(
      program,
      /fault: SIGHUP: nothing is changed: \S+zs3\.json:1: "," or "\}" is expected\n/,
    );
    assertEquals(await sizeOf(reader, "slow"), 2 * HALF.length);
    assertEquals(/another secret|readers secret|stranger secret/.test(program.stderr), false);
    assertEquals((await program.stop()).code, 0);
  },
});

Deno.test({
  name: "SIGHUP takes a certificate, and no request or upload under way is lost",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using temp = await TempDir.make();
    const write = async ({ authority, certificate, privateKey }: TestCertificate) => {
      await Deno.writeTextFile(`${temp.path}/cert.pem`, certificate);
      await Deno.writeTextFile(`${temp.path}/key.pem`, privateKey);
      const authorityFile = `${temp.path}/${crypto.randomUUID()}.pem`;
      await Deno.writeTextFile(authorityFile, authority);
      return authorityFile;
    };
    const trusted = await write(makeCertificate());
    await using program = await Program.start({
      flags: [
        `--tls-cert=${temp.path}/cert.pem`,
        `--tls-key=${temp.path}/key.pem`,
        "--log-level=info",
      ],
    });
    const { url } = program;
    using former = new AwsClient({ url, authorityFile: trusted });
    await former.send(new CreateBucketCommand({ Bucket: "bucket" }));
    const upload = await beginUpload(program, former, "slow");

    await Deno.writeTextFile(`${temp.path}/cert.pem`, "x");
    program.signal("SIGHUP");
    await said(
      program,
      /fault: SIGHUP: nothing is changed: the TLS certificate \S+ is not a PEM file\n/,
    );
    await Deno.writeTextFile(`${temp.path}/cert.pem`, makeCertificate().certificate);
    program.signal("SIGHUP");
    await said(program, /nothing is changed: the TLS files .*can't be used: .*KeyMismatch\n/);

    const renewed = await write(makeCertificate());
    program.signal("SIGHUP");
    await said(program, /notice: SIGHUP: the new certificate is in force/);
    using later = new AwsClient({ url, authorityFile: renewed });
    await later.send(new ListBucketsCommand());
    await upload.finish();
    assertEquals(await sizeOf(later, "slow"), 2 * HALF.length);
    using stranger = new AwsClient({ url, authorityFile: trusted });
    await assertRejects(() => stranger.send(new ListBucketsCommand()));
    const { code, stderr } = await program.stop();
    assertEquals(code, 0);
    assertEquals(stderr.match(/ fault: /g)?.length, 2);
  },
});

Deno.test({
  name: "nodes take a certificate of an authority that they trust, also while they are linked",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using temp = await TempDir.make();
    const certificates = [makeCertificate(), makeCertificate()];
    const authorityFile = `${temp.path}/authorities.pem`;
    await Deno.writeTextFile(
      authorityFile,
      certificates.map(({ authority }) => authority).join("\n"),
    );
    const write = async ({ certificate, privateKey }: TestCertificate) => {
      await Deno.writeTextFile(`${temp.path}/cert.pem`, certificate);
      await Deno.writeTextFile(`${temp.path}/key.pem`, privateKey);
    };
    const [first, second] = certificates;
    if (first === undefined || second === undefined) throw new Error("two were made");
    await write(first);
    await using cluster = await LocalCluster.start({
      nodes: 2,
      flags: [
        `--tls-cert=${temp.path}/cert.pem`,
        `--tls-key=${temp.path}/key.pem`,
        `--tls-ca=${authorityFile}`,
      ],
    });
    const url = cluster.node(1).url;
    using before = new AwsClient({ url, authorityFile });
    await before.send(new CreateBucketCommand({ Bucket: "bucket" }));
    await write(second);
    for (const program of cluster.programs) program.signal("SIGHUP");
    for (const program of cluster.programs) await said(program, /the new certificate is in force/);
    using after = new AwsClient({ url, authorityFile }, { maxAttempts: 5 });
    await after.send(new PutObjectCommand({ Bucket: "bucket", Key: "later", Body: HALF }));
    using other = new AwsClient({ url: cluster.node(2).url, authorityFile }, { maxAttempts: 5 });
    assertEquals(await sizeOf(other, "later"), HALF.length);
  },
});

Deno.test({
  name: "a node keeps the key pair from which the cluster's secret is derived",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using temp = await TempDir.make();
    const file = `${temp.path}/zs3.json`;
    const base = { "distributed": true, "replicas": 1, "discovery": "off", "access-key": "root" };
    const write = (settings: object) =>
      Deno.writeTextFile(file, JSON.stringify({ ...base, ...settings }));
    await write({ "secret-key": ROOT.secretAccessKey });
    await using program = await Program.start({ flags: [`--config=${file}`, "--log-level=info"] });
    using client = new AwsClient(program, { credentials: ROOT });
    await write({ "secret-key": "another secret" });
    program.signal("SIGHUP");
    await said(
      program,
      /nothing is changed: the cluster's secret is derived from the administrator/,
    );
    await client.send(new ListBucketsCommand());
    await write({ "secret-key": ROOT.secretAccessKey, "acl": "writer:w:writers secret" });
    program.signal("SIGHUP");
    await said(program, /2 key pairs in force: added w\n/);
    await client.send(new ListBucketsCommand());
  },
});

Deno.test({
  name: "SIGHUP without anything to read anew changes nothing",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using program = await Program.start();
    program.signal("SIGHUP");
    await said(program, /1 key pair in force: as before\n/);
    using client = new AwsClient(program);
    await client.send(new ListBucketsCommand());
    assertMatch((await program.stop()).stderr, /ListBuckets/);
  },
});

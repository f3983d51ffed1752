/** The JavaScript SDK: buckets, their settings, and what callers of each role may do. */

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  paginateListBuckets,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { assertEquals, assertRejects } from "@std/assert";
import { AwsClient } from "../../support/aws_client.ts";
import { testOverBothSchemes } from "../../support/schemes.ts";
import { openFetch } from "../../support/trusting_fetch.ts";

const SECRET = "a:long secret/+=";
const ACL = ["writer", "reader", "user"].map((role) => `${role}:${role}-key:${SECRET}`).join(",");

testOverBothSchemes("aws-sdk buckets", async ({ program, step }) => {
  using admin = new AwsClient(program);
  using plain = openFetch(program);
  const clientOf = (accessKeyId: string) =>
    new AwsClient(program, { credentials: { accessKeyId, secretAccessKey: SECRET } });

  await step("are made, found, listed and deleted", async () => {
    for (const Bucket of ["one", "two", "three.dotted"]) {
      await admin.send(new CreateBucketCommand({ Bucket }));
    }
    await admin.send(new HeadBucketCommand({ Bucket: "one" }));
    const location = await admin.send(new GetBucketLocationCommand({ Bucket: "one" }));
    assertEquals(location.LocationConstraint, undefined);
    const versioning = await admin.send(new GetBucketVersioningCommand({ Bucket: "one" }));
    assertEquals(versioning.Status, undefined);
    const names: string[] = [];
    for await (const page of paginateListBuckets({ client: admin, pageSize: 1 }, {})) {
      names.push(...page.Buckets?.map(({ Name }) => Name ?? "") ?? []);
    }
    assertEquals(names, ["configured", "one", "three.dotted", "two"]);
    await admin.send(new PutObjectCommand({ Bucket: "two", Key: "k", Body: "" }));
    await fails(admin.send(new DeleteBucketCommand({ Bucket: "two" })), "BucketNotEmpty");
    await admin.send(new DeleteBucketCommand({ Bucket: "three.dotted" }));
    const gone = admin.send(new HeadBucketCommand({ Bucket: "three.dotted" }));
    await fails(gone, "NotFound");
  });

  await step("have tags, CORS rules and an ACL", async () => {
    const Bucket = "one";
    const TagSet = [{ Key: "team", Value: "ä +-=._:/@" }];
    await admin.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    assertEquals((await admin.send(new GetBucketTaggingCommand({ Bucket }))).TagSet, TagSet);
    const CORSRules = [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://*.example.com"] }];
    await admin.send(
      new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }),
    );
    assertEquals((await admin.send(new GetBucketCorsCommand({ Bucket }))).CORSRules, CORSRules);
    const acl = await admin.send(new GetBucketAclCommand({ Bucket }));
    assertEquals(acl.Grants?.map(({ Permission }) => Permission), ["FULL_CONTROL"]);
  });

  await step("are readable by everyone when public", async () => {
    const Bucket = "one";
    await admin.send(new PutObjectCommand({ Bucket, Key: "k", Body: "for all" }));
    assertEquals((await plain.text(`${program.url}/one/k`)).status, 403);
    await admin.send(new PutBucketAclCommand({ Bucket, ACL: "public-read" }));
    assertEquals(await plain.text(`${program.url}/one/k`), { status: 200, text: "for all" });
    const write = await plain.text(`${program.url}/one/k`, { method: "PUT", body: "x" });
    assertEquals(write.status, 403);
    const configured = await plain.text(`${program.url}/configured`);
    assertEquals(configured.status, 200);
  });

  await step("are used as roles allow", async () => {
    using writer = clientOf("writer-key");
    using reader = clientOf("reader-key");
    using user = clientOf("user-key");
    const object = { Bucket: "two", Key: "roles" };
    const put = (client: S3Client) => client.send(new PutObjectCommand({ ...object, Body: "x" }));
    const get = (client: S3Client) =>
      client.send(new GetObjectCommand(object)).then((reply) => reply.Body?.transformToString());
    await put(writer);
    assertEquals(await get(reader), "x");
    await fails(put(reader), "AccessDenied");
    await fails(get(user), "AccessDenied");
    await user.send(new CreateBucketCommand({ Bucket: "users-own" }));
    await user.send(new PutObjectCommand({ Bucket: "users-own", Key: "k", Body: "mine" }));
    const again = user.send(new CreateBucketCommand({ Bucket: "two" }));
    await fails(again, "BucketAlreadyExists");
  });

  await step("refuse wrong keys and what isn't implemented", async () => {
    using stranger = clientOf("stranger");
    const unknownKey = stranger.send(new GetBucketLocationCommand({ Bucket: "one" }));
    await fails(unknownKey, "InvalidAccessKeyId");
    using forger = new AwsClient(program, {
      credentials: { accessKeyId: "minioadmin", secretAccessKey: "guess" },
    });
    const listing = forger.send(new GetBucketLocationCommand({ Bucket: "one" }));
    await fails(listing, "SignatureDoesNotMatch");
    const policy = admin.send(new PutBucketPolicyCommand({ Bucket: "one", Policy: "{}" }));
    await fails(policy, "NotImplemented");
  });
}, {
  flags: [
    "--access-key=minioadmin",
    "--secret-key=minioadmin",
    `--acl=${ACL}`,
    "--buckets=configured:public",
  ],
});

async function fails(call: Promise<unknown>, name: string): Promise<void> {
  assertEquals((await assertRejects(() => call, Error)).name, name);
}

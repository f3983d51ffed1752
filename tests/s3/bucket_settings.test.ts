import { assertEquals } from "@std/assert";
import { openTestServer, textOf } from "../support/s3_client.ts";

Deno.test("HeadBucket tells the region, and 404 without a body", async () => {
  const send = openTestServer({ region: "eu-test-1" }).as("admin");
  const missing = await send("HEAD", "/bkt");
  assertEquals([missing.status, missing.bytes.length], [404, 0]);
  await send("PUT", "/bkt");
  const found = await send("HEAD", "/bkt");
  assertEquals([found.status, found.headers.get("x-amz-bucket-region")], [200, "eu-test-1"]);
});

for (const [region, constraint] of [["us-east-1", ""], ["eu-test-1", "eu-test-1"]] as const) {
  Deno.test(`GetBucketLocation in ${region} is "${constraint}"`, async () => {
    const send = openTestServer({ region }).as("admin");
    await send("PUT", "/bkt");
    const reply = await send("GET", "/bkt?location");
    assertEquals([reply.status, textOf(reply.text, "LocationConstraint")], [200, constraint]);
  });
}

Deno.test("GetBucketVersioning has no status", async () => {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  const reply = await send("GET", "/bkt?versioning");
  assertEquals([reply.status, textOf(reply.text, "VersioningConfiguration")], [200, ""]);
});

for (const query of ["?location", "?versioning", "?acl", "?cors", "?tagging", "?uploads", ""]) {
  Deno.test(`GET ${query || "of a listing"} without the bucket is NoSuchBucket`, async () => {
    const reply = await openTestServer().as("admin")("GET", `/bkt${query}`);
    assertEquals([reply.status, reply.code], [404, "NoSuchBucket"]);
  });
}

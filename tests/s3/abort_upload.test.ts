import { assertEquals } from "@std/assert";
import { patternBytes } from "../support/bytes.ts";
import { BUCKET, createUpload, openBucketServer, uploadPart } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;

Deno.test("an aborted upload is gone with its parts, and only that one", async () => {
  const { send } = await openBucketServer();
  await send("PUT", PATH, { body: "object" });
  const uploadId = await createUpload(send, PATH);
  const other = await createUpload(send, PATH);
  await uploadPart(send, PATH, uploadId, 1, patternBytes(10));
  const target = `${PATH}?uploadId=${uploadId}`;
  const reply = await send("DELETE", target);
  assertEquals([reply.status, reply.text], [204, ""]);
  for (const method of ["GET", "DELETE"]) {
    assertEquals((await send(method, target)).code, "NoSuchUpload");
  }
  const late = await send("PUT", `${target}&partNumber=2`, { body: "late" });
  assertEquals(late.code, "NoSuchUpload");
  assertEquals((await send("GET", `${PATH}?uploadId=${other}`)).status, 200);
  assertEquals((await send("GET", PATH)).text, "object");
});

Deno.test("uploads that aren't there can't be aborted", async () => {
  const { send } = await openBucketServer();
  const uploadId = await createUpload(send, PATH);
  const table = [
    [`${PATH}?uploadId=unknown`, "NoSuchUpload"],
    [`${PATH}?uploadId=`, "NoSuchUpload"],
    [`/${BUCKET}/other?uploadId=${uploadId}`, "NoSuchUpload"],
    [`/missing/key?uploadId=${uploadId}`, "NoSuchBucket"],
  ];
  for (const [target = "", code] of table) {
    assertEquals((await send("DELETE", target)).code, code, target);
  }
});

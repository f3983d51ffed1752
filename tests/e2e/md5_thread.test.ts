/** The thread that computes MD5, whose program is the text of a function: it must run however the program was minified. */

import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { assertEquals } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program } from "../support/program.ts";

Deno.test({
  name: "large bodies have a thread beside the main one, and their right ETag",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using program = await Program.start();
    using client = new AwsClient(program);
    await client.send(new CreateBucketCommand({ Bucket: "large" }));
    // The first one only starts the thread.
    for (const Key of ["first", "second"]) {
      const Body = new Uint8Array(4 * 1024 * 1024);
      const { ETag } = await client.send(new PutObjectCommand({ Bucket: "large", Key, Body }));
      assertEquals(ETag, '"b5cfa9d6c8febd618f91ac2843d50a1c"');
    }
    assertEquals(
      (await threadNames(program.pid)).filter((name) => /worker-\d/.test(name)).length,
      1,
    );
  },
});

async function threadNames(pid: number): Promise<string[]> {
  const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
  return await Promise.all(
    threads.map(({ name }) => Deno.readTextFile(`/proc/${pid}/task/${name}/comm`)),
  );
}

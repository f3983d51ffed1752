/** Over TLS small replies are sent in one piece: what is sent after the head would wait for the client's delayed acknowledgement. */

import { assertEquals } from "@std/assert";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { AwsClient } from "../support/aws_client.ts";
import { latin1 } from "../support/raw_request.ts";
import { Program } from "../support/program.ts";

const Bucket = "small";
const SIZES = [1, 200, 450, 512, 1_000, 1_024, 1_400];
/** Clients acknowledge the first few segments at once. */
const TIMES = 20;

Deno.test("over TLS a small body comes with its head, in one piece", async () => {
  await using program = await Program.start({ isTls: true, flags: [`--buckets=${Bucket}:public`] });
  using client = new AwsClient(program);
  for (const size of SIZES) {
    await client.send(
      new PutObjectCommand({ Bucket, Key: String(size), Body: new Uint8Array(size) }),
    );
  }
  const { hostname, port } = new URL(program.url);
  const caCerts = [await Deno.readTextFile(program.authorityFile ?? "")];
  const alpnProtocols = ["h2", "http/1.1"];
  const address = { hostname, port: Number(port) };
  using connection = await Deno.connectTls({ ...address, caCerts, alpnProtocols });
  assertEquals((await connection.handshake()).alpnProtocol, "http/1.1");
  const buffer = new Uint8Array(16 * 1024);
  for (const size of SIZES) {
    for (let time = 0; time < TIMES; time++) {
      await connection.write(latin1(`GET /${Bucket}/${size} HTTP/1.1\r\nhost: localhost\r\n\r\n`));
      const count = await connection.read(buffer) ?? 0;
      const text = new TextDecoder("latin1").decode(buffer.subarray(0, count));
      assertEquals(count - text.indexOf("\r\n\r\n") - 4, size, text);
    }
  }
});

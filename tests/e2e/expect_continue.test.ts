/** `Expect: 100-continue`, as botocore sends it with every upload, the empty ones too. */

import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program } from "../support/program.ts";
import { exchange } from "../support/raw_http.ts";

const BODIES: readonly (readonly [body: string, answer: RegExp])[] = [
  // No 100: botocore must leave the connection, or it would misread the next reply on it (boto/botocore#3755).
  ["", /^HTTP\/1\.1 200 OK\r\n(?=[^]*connection: close\r\n)[^]*\r\n\r\n$/i],
  ["hello", /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/],
];

for (const [body, answer] of BODIES) {
  Deno.test(`an expectation with ${body.length} bytes to come`, async () => {
    await using program = await Program.start({ flags: ["--buckets=expected"] });
    using client = new AwsClient(program);
    const object = { Bucket: "expected", Key: "k" };
    const url = new URL(await getSignedUrl(client, new PutObjectCommand(object)));
    const head = [
      `PUT ${url.pathname}${url.search} HTTP/1.1`,
      `Host: ${url.host}`,
      "Expect: 100-continue",
      `Content-Length: ${body.length}`,
    ];
    const request = `${head.join("\r\n")}\r\n\r\n${body}`;
    assertMatch(await exchange(program, request, answer), answer);
    const { Body } = await client.send(new GetObjectCommand(object));
    assertEquals(await Body?.transformToString(), body);
  });
}

/** `Expect: 100-continue`, as botocore sends it with every upload, the empty ones too. */

import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program } from "../support/program.ts";
import { exchange } from "../support/raw_http.ts";

interface Sent {
  readonly name: string;
  readonly framing: string;
  readonly bytes: string;
  readonly body: string;
  readonly answer: RegExp;
}

/** And the connection is kept: botocore has a new handshake for each upload otherwise. */
const CONTINUED =
  /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n(?![^]*connection: close)[^]*\r\n\r\n$/i;

const REQUESTS: readonly Sent[] = [
  {
    name: "no bytes to come",
    framing: "Content-Length: 0",
    bytes: "",
    body: "",
    // No 100: botocore must leave the connection, or it would misread the next reply on it (boto/botocore#3755).
    answer: /^HTTP\/1\.1 200 OK\r\n(?=[^]*connection: close\r\n)[^]*\r\n\r\n$/i,
  },
  {
    name: "5 bytes to come",
    framing: "Content-Length: 5",
    bytes: "hello",
    body: "hello",
    answer: CONTINUED,
  },
  {
    name: "chunks to come",
    framing: "Transfer-Encoding: chunked",
    bytes: "5\r\nhello\r\n0\r\n\r\n",
    body: "hello",
    answer: CONTINUED,
  },
];

for (const { name, framing, bytes, body, answer } of REQUESTS) {
  Deno.test(`an expectation with ${name}`, async () => {
    await using program = await Program.start({ flags: ["--buckets=expected"] });
    using client = new AwsClient(program);
    const object = { Bucket: "expected", Key: "k" };
    const url = new URL(await getSignedUrl(client, new PutObjectCommand(object)));
    const head = [
      `PUT ${url.pathname}${url.search} HTTP/1.1`,
      `Host: ${url.host}`,
      "Expect: 100-continue",
      framing,
    ];
    const request = `${head.join("\r\n")}\r\n\r\n${bytes}`;
    assertMatch(await exchange(program, request, answer), answer);
    const { Body } = await client.send(new GetObjectCommand(object));
    assertEquals(await Body?.transformToString(), body);
  });
}

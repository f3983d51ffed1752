import { assertEquals } from "@std/assert";
import { authenticate } from "../../src/auth/sigv4.ts";
import {
  authorization,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  type RequestOptions,
  sha256Hex,
} from "./auth_support.ts";

const EMPTY = sha256Hex("");

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const HEADER_EXAMPLES:
  readonly (RequestOptions & { name: string; signed: string; signature: string })[] = [
    {
      name: "GET object with a range",
      target: "/test.txt",
      headers: {
        range: "bytes=0-9",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": EXAMPLE_TIMESTAMP,
      },
      signed: "host;range;x-amz-content-sha256;x-amz-date",
      signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    },
    {
      name: "PUT object",
      method: "PUT",
      target: "/test$file.text",
      headers: {
        date: "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-date": EXAMPLE_TIMESTAMP,
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": sha256Hex("Welcome to Amazon S3."),
      },
      signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    },
    {
      name: "GET bucket lifecycle",
      target: "/?lifecycle",
      headers: { "x-amz-content-sha256": EMPTY, "x-amz-date": EXAMPLE_TIMESTAMP },
      signed: "host;x-amz-content-sha256;x-amz-date",
      signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    },
    {
      name: "list objects",
      target: "/?max-keys=2&prefix=J",
      headers: { "x-amz-content-sha256": EMPTY, "x-amz-date": EXAMPLE_TIMESTAMP },
      signed: "host;x-amz-content-sha256;x-amz-date",
      signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    },
  ];

for (const { name, signed, signature, ...request } of HEADER_EXAMPLES) {
  Deno.test(`AWS's example verifies: ${name}`, () => {
    const headers = { ...request.headers, authorization: authorization(signed, signature) };
    const { caller, signing } = authenticate(
      incomingRequest({ ...request, headers }),
      exampleWorld(),
    );
    assertEquals(caller, { kind: "signed", accessKeyId: "AKIAIOSFODNN7EXAMPLE", role: "admin" });
    assertEquals(signing?.signature, signature);
  });
}

/**
 * Malformed and hostile requests over real sockets against the real program: each is refused as S3 does or the connection
 * closed, nothing is left in the data dir, and the server goes on. `ZS3_TEST_FUZZ_CASES` raises the number of cases.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { S3Connection } from "../suites/http_store/connection.ts";
import { Program } from "../support/program.ts";
import { untilReceiving } from "../support/receiving.ts";
import { environmentNumber, withSeed } from "../support/seed.ts";
import { filesBelow } from "../support/tree.ts";
import { type Answer, exchange } from "./fuzz/exchange.ts";
import { CREDENTIALS, serialize, signed } from "../support/raw_request.ts";
import { BYTE_SPOILERS, HEAD_SPOILERS, LENGTH_SPOILERS, type Spoilt } from "./fuzz/spoilt_bytes.ts";
import { CONTENT_SPOILERS } from "./fuzz/spoilt_content.ts";
import {
  FORM_BOUNDARY,
  formBody,
  formFields,
  KEPT,
  SCRATCH,
  validRequests,
} from "./fuzz/valid_requests.ts";

const CASES = environmentNumber("ZS3_TEST_FUZZ_CASES", 1500);
const CASES_BETWEEN_LOOKS = 100;
const SPOILERS = [BYTE_SPOILERS, HEAD_SPOILERS, LENGTH_SPOILERS, CONTENT_SPOILERS];
const FLAGS = [
  `--buckets=${KEPT.bucket},${SCRATCH.bucket}`,
  "--durability=relaxed",
];

Deno.test("what the fuzzer spoils is in order before", async () => {
  await using fixture = await Fixture.open();
  for (const request of validRequests()) {
    const answer = await exchange(fixture.port, {
      bytes: serialize(signed(request)),
      isCut: false,
    });
    const isUnknownUpload = request.query?.[0]?.[0] === "uploadId";
    const expected = isUnknownUpload ? /^404$/ : /^20[046]$/;
    assertMatch(
      String(answer?.status),
      expected,
      `${request.method} ${request.rawPath} ${answer?.body}`,
    );
  }
  const body = new TextEncoder().encode(formBody(formFields(new Date())));
  const form = serialize({
    method: "POST",
    target: `/${SCRATCH.bucket}`,
    headers: [
      ["host", "localhost"],
      ["content-type", `multipart/form-data; boundary=${FORM_BOUNDARY}`],
      ["content-length", String(body.length)],
      ["connection", "close"],
    ],
    body,
  });
  assertEquals((await exchange(fixture.port, { bytes: form, isCut: false }))?.status, 204);
  await fixture.assertClean();
});

Deno.test("malformed and hostile requests are refused, leave nothing and stop nothing", async () => {
  await withSeed(import.meta.url, async (random) => {
    await using fixture = await Fixture.open();
    for (let n = 1; n <= CASES; n++) {
      const spoilt = random.pick(random.pick(SPOILERS))(random);
      try {
        await fixture.try(spoilt);
        if (n % CASES_BETWEEN_LOOKS === 0) await fixture.assertClean();
      } catch (cause) {
        throw new Error(`case ${n}, ${spoilt.why}:\n${excerpt(spoilt.bytes)}`, { cause });
      }
    }
    await fixture.assertClean();
    await fixture.assertNoFaults();
  });
});

class Fixture implements AsyncDisposable {
  readonly port: number;
  readonly #program: Program;
  readonly #connection: S3Connection;

  static async open(): Promise<Fixture> {
    const fixture = new Fixture(await Program.start({ flags: FLAGS }));
    const body = new TextEncoder().encode(KEPT.contents);
    (await fixture.#connection.send({ method: "PUT", ...KEPT, body })).cancel();
    return fixture;
  }

  private constructor(program: Program) {
    this.#program = program;
    this.#connection = new S3Connection(program.url, CREDENTIALS);
    this.port = Number(new URL(program.url).port);
  }

  /** Sends it, judges the answer, and sees that the server is well. */
  async try(spoilt: Spoilt): Promise<void> {
    const answer = await exchange(this.port, spoilt);
    if (answer !== undefined) checkAnswer(answer, spoilt.isRefused);
    const health = await fetch(`${this.#program.url}/_zs3/health`);
    assertEquals(await health.text(), "OK\n");
    const { bucket, key, contents } = KEPT;
    const reply = await this.#connection.send({ method: "GET", bucket, key });
    assertEquals(await reply.text(), contents);
  }

  /** There are the two objects that correct requests write, and nothing else. */
  async assertClean(): Promise<void> {
    const { dataDir } = this.#program;
    await untilReceiving(dataDir, 0);
    const outside = (await Array.fromAsync(Deno.readDir(`${dataDir}/..`))).map(({ name }) => name);
    assertEquals(outside, ["data"]);
    for await (const path of filesBelow(dataDir)) {
      if (path.startsWith(".index/")) continue;
      const expected = [KEPT, SCRATCH].find(({ bucket, key }) => path === `${bucket}/${key}`);
      if (expected === undefined) throw new Error(`${path} is left`);
      assertEquals(await Deno.readTextFile(`${dataDir}/${path}`), expected.contents);
    }
  }

  async assertNoFaults(): Promise<void> {
    const { code, stderr } = await this.#program.stop();
    assertEquals(stderr.split("\n").filter((line) => line.includes(" fault: ")), []);
    assertEquals(code, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]();
    await this.#program[Symbol.asyncDispose]();
  }
}

/** An answer of S3's, or the bare 400 of the HTTP library for what isn't HTTP. */
function checkAnswer({ status, headers, body }: Answer, isRefused: boolean): void {
  if (status < 400) return assert(!isRefused, `was not refused but answered ${status}: ${body}`);
  assert(status !== 500, `500 ${body}`);
  if (!headers.has("x-amz-request-id")) return assertEquals([body, status < 500], ["", true]);
  if (body !== "") assertMatch(body, /<Code>(?!InternalError)\w+<\/Code>/);
}

function excerpt(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder("latin1").decode(bytes.subarray(0, 1500)));
}

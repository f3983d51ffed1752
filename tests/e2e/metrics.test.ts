/** /_zs3/metrics of the program itself: who sees it, what it says, and what Prometheus' own checker says of it. */

import { createHash } from "node:crypto";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LocalCluster } from "../support/local_cluster.ts";
import { Program } from "../support/program.ts";
import { CREDENTIALS } from "../support/raw_request.ts";
import { findOptionalTool } from "../support/tools.ts";
import { amzDate, authorization } from "../suites/http_store/signer.ts";

const PATH = "/_zs3/metrics";

interface Sending {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accessKey?: string;
  readonly secretKey?: string;
}

/** Sends a signed request; resolves with the reply's status. */
async function send(url: string, method: string, rawPath: string, sending: Sending = {}) {
  const { body = "", headers: others = {}, ...keys } = sending;
  const now = new Date();
  const payloadHash = createHash("sha256").update(body).digest("hex");
  const headers: Record<string, string> = {
    host: new URL(url).host,
    "x-amz-date": amzDate(now),
    "x-amz-content-sha256": payloadHash,
  };
  const request = { method, rawPath, query: [], headers, payloadHash };
  const response = await fetch(url + rawPath, {
    method,
    headers: {
      ...headers,
      ...others,
      authorization: authorization(request, { ...CREDENTIALS, ...keys }, now),
    },
    ...(body !== "" && { body }),
  });
  await response.body?.cancel();
  return response.status;
}

async function scrape(url: string, headers: HeadersInit = {}): Promise<[number, string]> {
  const response = await fetch(url + PATH, { headers });
  return [response.status, await response.text()];
}

/** What promtool complains of; nothing where it isn't installed. */
async function complaints(text: string): Promise<string> {
  const promtool = findOptionalTool("promtool", ["--version"], /./);
  if (promtool === undefined) return "";
  const command = new Deno.Command(promtool.path, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await command.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? "" : said || `exit code ${code}`;
}

function valueOf(text: string, series: string): number {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no ${series} in\n${text}`);
  return Number(line.slice(series.length + 1));
}

Deno.test("a standalone server's metrics", async () => {
  await using program = await Program.start();
  assertEquals(await send(program.url, "PUT", "/bkt"), 200);
  assertEquals(await send(program.url, "PUT", "/bkt/a", { body: "hello" }), 200);
  assertEquals(await send(program.url, "PUT", "/bkt/b", { body: "world!" }), 200);
  assertEquals(await send(program.url, "GET", "/bkt/missing"), 404);
  const [status, text] = await scrape(program.url);
  assertEquals(status, 200);
  assertEquals(await complaints(text), "");
  assertEquals(valueOf(text, 'zs3_requests_total{operation="PutObject",status="200"}'), 2);
  assertEquals(valueOf(text, 'zs3_requests_total{operation="GetObject",status="404"}'), 1);
  assertEquals(valueOf(text, 'zs3_bucket_objects{bucket="bkt"}'), 2);
  assertEquals(valueOf(text, 'zs3_bucket_bytes{bucket="bkt"}'), 11);
  assertEquals(valueOf(text, "zs3_received_bytes_total"), 11);
  assert(valueOf(text, "zs3_commit_changes_sum") >= 3);
  assert(valueOf(text, "process_resident_memory_bytes") > 1e6);
  assert(!text.includes("minioadmin"));
  assertMatch(program.stderr, / Metrics - 200 /);
});

Deno.test("metrics are for this machine and for administrators, unless they are public", async () => {
  await using program = await Program.start({
    flags: ["--acl=reader:rita:readersecret", "--access-key=root", "--secret-key=rootsecret"],
  });
  const proxied = { "x-forwarded-for": "203.0.113.1" };
  assertEquals((await scrape(program.url, proxied))[0], 403);
  const asWhom = (accessKey: string, secretKey: string) =>
    send(program.url, "GET", PATH, { accessKey, secretKey, headers: proxied });
  assertEquals(await asWhom("root", "rootsecret"), 200);
  assertEquals(await asWhom("rita", "readersecret"), 403);
  assertEquals(await asWhom("root", "wrongsecret"), 403);
  const response = await fetch(program.url + PATH, { method: "PUT", body: "x" });
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);

  await using open = await Program.start({ flags: ["--metrics=public"] });
  assertEquals((await scrape(open.url, proxied))[0], 200);
});

Deno.test("a node's metrics", async () => {
  await using cluster = await LocalCluster.start({ nodes: 3 });
  const { url } = cluster.node(2);
  assertEquals(await send(url, "PUT", "/bkt"), 200);
  assertEquals(await send(url, "PUT", "/bkt/a", { body: "hello" }), 200);
  const [status, text] = await scrape(url);
  assertEquals(status, 200);
  assertEquals(await complaints(text), "");
  assertEquals(valueOf(text, "zs3_cluster_ready"), 1);
  assertEquals(valueOf(text, 'zs3_cluster_records{kind="object"}'), 1);
  assertMatch(text, /^zs3_cluster_members\{state="[a-z]+"\} 3$/m);
});

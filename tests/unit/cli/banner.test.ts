import { assertEquals, assertMatch } from "@std/assert";
import { bannerLines, baseUrl, readyLine } from "../../../src/cli/banner.ts";
import { parseConfig } from "../../../src/config.ts";

const URLS: readonly (readonly [words: readonly string[], url: string])[] = [
  [[], "http://127.0.0.1:1234"],
  [["--host=::"], "http://[::1]:1234"],
  [["--host=::1"], "http://[::1]:1234"],
  [["--host=example.com"], "http://example.com:1234"],
  [["--tls-cert=c", "--tls-key=k"], "https://127.0.0.1:1234"],
];

for (const [words, url] of URLS) {
  Deno.test(`the URL for ${words.join(" ") || "no flags"} is one that a client can use`, () => {
    assertEquals(baseUrl(parseConfig(words, {}), 1234), url);
    assertEquals(readyLine(url), `zs3 ready ${url}`);
  });
}

Deno.test("the banner warns of the default keys and shows a command that works", () => {
  const text = bannerLines(parseConfig([], {}), "http://127.0.0.1:9000").join("\n");
  assertMatch(text, /warning .*minioadmin/);
  assertMatch(
    text,
    /AWS_ACCESS_KEY_ID=minioadmin AWS_SECRET_ACCESS_KEY=minioadmin aws --endpoint-url http:\/\/127\.0\.0\.1:9000 s3 ls$/m,
  );
});

Deno.test("the banner shows no configured key", () => {
  const words = ["--access-key=rootkey", "--secret-key=rootsecret", "--acl=reader:rkey:rsecret-1"];
  const text = bannerLines(parseConfig(words, {}), "http://127.0.0.1:9000").join("\n");
  for (const hidden of ["rootkey", "rootsecret", "rkey", "rsecret", "minioadmin", "warning"]) {
    assertEquals(text.includes(hidden), false, hidden);
  }
});

Deno.test("a secret that can be guessed is warned of, and not shown", () => {
  const words = ["--access-key=root", "--secret-key=short!"];
  const text = bannerLines(parseConfig(words, {}), "http://127.0.0.1:9000").join("\n");
  assertMatch(text, /warning .*fewer than 8 characters/);
  for (const hidden of ["root", "short!"]) assertEquals(text.includes(hidden), false, hidden);
});

Deno.test("a node says how it takes part, and shows no secret", () => {
  const words = ["-d", "--bootstrap=a:1,b:2", "--cluster-secret=hush-hush", "--replicas=5"];
  const text = bannerLines(parseConfig(words, {}), "http://127.0.0.1:9000").join("\n");
  assertMatch(text, /cluster .*5 replicas, 3 for a write, 3 for a read; told of a:1, b:2; looks/);
  assertEquals(text.includes("hush"), false);
  assertEquals(text.includes("secret is derived"), false);
});

Deno.test("a cluster secret that everybody knows is warned of", () => {
  const text = bannerLines(parseConfig(["-d"], {}), "http://127.0.0.1:9000").join("\n");
  assertMatch(text, /warning .*the cluster's secret is derived from them/);
});

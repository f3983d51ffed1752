/** What `deno task build` makes: one file that needs no other, and an executable with that program inside and nothing else. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BUNDLE_BYTES_MAX } from "../../scripts/build/bundle.ts";
import { PERMISSIONS } from "../../scripts/build/compile.ts";
import { extractRuntime } from "../../scripts/build/extract_runtime.ts";
import { sha256 } from "../support/bytes.ts";
import type { Outcome } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Nothing listens there: whatever would be fetched can't be. */
const NOWHERE = "http://127.0.0.1:9";

Deno.test("the build makes a small bundle, an executable and their sums", async () => {
  await using temp = await TempDir.make();
  const runtime = Deno.env.get("DENORT_BIN") ?? await Deno.realPath(Deno.execPath());
  const { code, stdout, stderr } = await build(temp.path, { DENORT_BIN: runtime });
  assertEquals(code, 0, stderr);
  const isProgram = /^zs3 /.test(await versionOf(`${temp.path}/zs3`));
  assertEquals(/ has the program inside but doesn't run it: /.test(stderr), !isProgram, stderr);
  assertMatch(
    stdout,
    /^zs3\.js: [\d.]+ KB of 360\nzs3: [\d.]+ KB for \S+, with zs3\.js inside\n$/,
  );
  assert((await Deno.stat(`${temp.path}/zs3.js`)).size <= BUNDLE_BYTES_MAX);
  if (Deno.build.os === "linux") {
    const extracted = extractRuntime(await Deno.readFile(`${temp.path}/zs3`));
    assertEquals(sha256(extracted), sha256(await Deno.readFile(runtime)));
  }

  await Deno.mkdir(`${temp.path}/alone`);
  await Deno.rename(`${temp.path}/zs3.js`, `${temp.path}/alone/zs3.js`);
  const args = ["run", ...PERMISSIONS, "zs3.js", "--version"];
  const version = await run(Deno.execPath(), args, { cwd: `${temp.path}/alone` });
  assertMatch(version.stdout, /^zs3 \d+\.\d+\.\d+(?: \([0-9a-f]{12}(?:, changed)?\))?\n$/);

  await Deno.rename(`${temp.path}/alone/zs3.js`, `${temp.path}/zs3.js`);
  const sums = await run("sha256sum", ["--check", "SHA256SUMS"], { cwd: temp.path });
  assertEquals(sums.stdout, "zs3.js: OK\nzs3: OK\n");
});

Deno.test("a runtime is taken out of nothing but an executable with a program inside", async () => {
  assertThrows(
    () => extractRuntime(new TextEncoder().encode("#!/bin/sh\n")),
    Error,
    "no 64-bit ELF",
  );
  if (Deno.build.os !== "linux") return;
  const runtime = await Deno.readFile(await Deno.realPath(Deno.execPath()));
  assertThrows(() => extractRuntime(runtime), Error, "no program inside");
});

Deno.test("a bundle has every module that the program loads, all of them from src/, and no others", async () => {
  await using temp = await TempDir.make();
  const bundle = `${temp.path}/zs3.js`;
  const words = ["bundle", "--quiet", "--minify", "--sourcemap=external", `--output=${bundle}`];
  await deno([...words, "main.ts"]);
  const { sources } = JSON.parse(await Deno.readTextFile(`${bundle}.map`));
  const bundled = sources.map((source: string) => new URL(source, `file://${bundle}`).pathname);
  const loaded = [...loadedModules(JSON.parse(await deno(["info", "--json", "main.ts"])))]
    .filter((specifier) => !specifier.startsWith("node:"))
    .map((specifier) => new URL(specifier).pathname);
  assertEquals(bundled.sort(), loaded.sort());
  const strangers = loaded.map((path) => path.replace(ROOT, ""))
    .filter((path) => !path.startsWith("src/") && path !== "main.ts");
  assertEquals(strangers, []);
});

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly { readonly code?: { readonly specifier: string } }[];
  }[];
}

/** Those that are needed for more than their types. */
function loadedModules({ roots, modules }: Graph): ReadonlySet<string> {
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const found = new Set(roots);
  for (const specifier of found) {
    for (const { code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code !== undefined) found.add(code.specifier);
    }
  }
  return found;
}

Deno.test("without Deno's runtime a build is one line on stderr and ends with 1", async () => {
  await using temp = await TempDir.make();
  const { code, stderr } = await build(temp.path, {
    HTTPS_PROXY: NOWHERE,
    https_proxy: NOWHERE,
  });
  if (code === 0) assertMatch(await versionOf(`${temp.path}/zs3`), /^zs3 /); // fetched by an earlier build
  else {
    assertEquals(code, 1);
    assertMatch(stderr, /^zs3 build: Deno's runtime for \S+ can't be fetched .*DENORT_BIN.*\n$/);
  }
});

async function build(
  dist: string,
  environment: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const args = ["run", "-A", "scripts/build.ts"];
  const inherited = Deno.env.toObject();
  delete inherited["DENORT_BIN"];
  const env = { ...inherited, ...environment, ZS3_DIST: dist, NO_COLOR: "1" };
  return await run(Deno.execPath(), args, { cwd: ROOT, clearEnv: true, env });
}

async function versionOf(executable: string): Promise<string> {
  return (await run(executable, ["--version"], {})).stdout;
}

async function deno(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(Deno.execPath(), words, { cwd: ROOT });
  assertEquals(code, 0, stderr);
  return stdout;
}

async function run(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions,
): Promise<Outcome> {
  const output = await new Deno.Command(program, { ...options, args: [...args] }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  return { code: output.code, stdout: stdout ?? "", stderr: stderr ?? "" };
}

/**
 * Makes what is given to people, in `dist/`: `deno task build` the program in one file and this machine's executable, `deno task
 * release` that file and an executable for each target; SHA-256 sums beside them. `--bundle` makes the file alone.
 *
 * `deno compile` fetches Deno's runtime once. Where it can't, DENORT_BIN names a denort of this Deno's version.
 */

import { printLine } from "../src/cli/print.ts";
import { bundle, BUNDLE_BYTES_MAX } from "./build/bundle.ts";
import { compile, RuntimeMissing, type Target, TARGETS } from "./build/compile.ts";
import { Stage } from "./build/stage.ts";

/** Another folder than `dist/` can be given in ZS3_DIST. */
const DIST = `${Deno.env.get("ZS3_DIST") ?? new URL("../dist", import.meta.url).pathname}/`;
const BUNDLE = "zs3.js";
const SUMS = "SHA256SUMS";

async function main(words: readonly string[]): Promise<number> {
  const [word = "--binary", ...rest] = words;
  if (rest.length > 0 || !["--binary", "--bundle", "--release"].includes(word)) {
    return fail("zs3 build: --bundle, --release or nothing", 2);
  }
  await using stage = await Stage.make();
  await emptyDist();
  const program = `${stage.dir}/${BUNDLE}`;
  await bundle(stage.dir, program);
  await Deno.copyFile(program, DIST + BUNDLE);
  await tell(BUNDLE, "of 360");
  const made = [BUNDLE];
  let code = (await Deno.stat(DIST + BUNDLE)).size <= BUNDLE_BYTES_MAX
    ? 0
    : fail(`zs3 build: ${BUNDLE} is larger than 360 KB`);
  for (const [target, name] of word === "--bundle" ? [] : executables(word)) {
    try {
      const { embedded } = await compile(program, DIST + name, target);
      await tell(name, `for ${target}, with ${embedded.join(", ")} inside`);
      made.push(name);
      if (target === Deno.build.target && !await runs(DIST + name)) {
        fail(
          `zs3 build: ${name} has the program inside but doesn't run it: DENORT_BIN is no denort`,
        );
      }
    } catch (error) {
      if (!(error instanceof RuntimeMissing)) throw error;
      code = fail(`zs3 build: ${error.message}`);
      break;
    }
  }
  await writeSums(made);
  return code;
}

function executables(word: string): readonly (readonly [Target, string])[] {
  const all = Object.entries(TARGETS) as [Target, string][];
  if (word === "--release") return all;
  return all.filter(([target]) => target === Deno.build.target).map(([target]) => [
    target,
    Deno.build.os === "windows" ? "zs3.exe" : "zs3",
  ]);
}

/** Whether it is this program, and not the Deno that was taken for a runtime. */
async function runs(executable: string): Promise<boolean> {
  const { stdout } = await new Deno.Command(executable, { args: ["--version"] }).output();
  return new TextDecoder().decode(stdout).startsWith("zs3 ");
}

async function emptyDist(): Promise<void> {
  await Deno.mkdir(DIST, { recursive: true });
  for (const name of [BUNDLE, SUMS, "zs3", "zs3.exe", ...Object.values(TARGETS)]) {
    await Deno.remove(DIST + name).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function writeSums(names: readonly string[]): Promise<void> {
  const lines = names.map(async (name) => {
    const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(DIST + name));
    return `${new Uint8Array(hash).toHex()}  ${name}\n`;
  });
  await Deno.writeTextFile(DIST + SUMS, (await Promise.all(lines)).join(""));
}

async function tell(name: string, more: string): Promise<void> {
  printLine(Deno.stdout, `${name}: ${await kilobytes(DIST + name)} KB ${more}`);
}

async function kilobytes(path: string): Promise<string> {
  return ((await Deno.stat(path)).size / 1024).toFixed(1);
}

function fail(line: string, code = 1): number {
  printLine(Deno.stderr, line);
  return code;
}

Deno.exit(await main(Deno.args));

/**
 * The program in one file of JavaScript. What every server needs is minified; what the entry loads by `import()` (nodes of a cluster,
 * the commands beside `serve`) is compressed too, and shares the rest's modules.
 */

import { brotliCompressSync, constants } from "node:zlib";
import { runDeno } from "./run_deno.ts";
import { MODULE_MARK } from "./unpack.ts";

/** Of the Zig program that this one comes from. */
export const BUNDLE_BYTES_MAX = 360 * 1024;

/** A file of the bundler's by its name: several modules that are always needed together. */
type Chunks = ReadonlyMap<string, string>;

const ENTRY = "main.js";

/** Writes `file`; it needs no other one. */
export async function bundle(sourceDir: string, file: string): Promise<void> {
  const dir = `${sourceDir}/chunks`;
  await runDeno(
    ["bundle", "--quiet", "--minify", "--code-splitting", `--outdir=${dir}`, "main.ts"],
    sourceDir,
  );
  const chunks = await readChunks(dir);
  const core = reachable(chunks, ENTRY);
  const lazy = new Map([...chunks].filter(([name]) => !core.has(name)));
  const shared = new SharedNames();
  const packed = new Map([...lazy].map(([name, text]) => [name, shared.bind(text, core, lazy)]));
  refuseCycles(packed);
  for (const name of core) {
    await Deno.writeTextFile(`${dir}/${name}`, loadFromPack(chunks.get(name) ?? "", lazy));
  }
  await Deno.copyFile(new URL("unpack.ts", import.meta.url), `${dir}/unpack.ts`);
  await Deno.writeTextFile(`${dir}/pack.js`, packModule(packed));
  // Exported by the entry itself: the bundler takes `import.meta.main` for false in all other modules.
  await Deno.writeTextFile(`${dir}/${ENTRY}`, shared.exports(), { append: true });
  await runDeno(["bundle", "--quiet", "--minify", `--output=${file}`, ENTRY], dir);
}

async function readChunks(dir: string): Promise<Chunks> {
  const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
  const read = names.map(async (name) =>
    [name, await Deno.readTextFile(`${dir}/${name}`)] as const
  );
  return new Map(await Promise.all(read));
}

/** A chunk and those that it can't do without. */
function reachable(chunks: Chunks, entry: string, found = new Set<string>()): ReadonlySet<string> {
  found.add(entry);
  const text = chunks.get(entry) ?? "";
  for (const name of chunks.keys()) {
    const isNeeded = text.includes(`from"./${name}"`) || text.includes(`import"./${name}"`);
    if (isNeeded && !found.has(name)) reachable(chunks, name, found);
  }
  return found;
}

/** What compressed modules import from the rest, under names that are one for each chunk and export. */
class SharedNames {
  readonly #exports = new Map<string, Map<string, string>>();
  #count = 0;

  /** The text with marks instead of names of chunks. */
  bind(text: string, core: ReadonlySet<string>, lazy: Chunks): string {
    if (text.includes(MODULE_MARK)) throw new Error(`the program has the text ${MODULE_MARK}`);
    let bound = text;
    for (const name of core) {
      bound = bound.replaceAll(`import"./${name}";`, "").replaceAll(
        new RegExp(`import\\{([^{}]*)\\}from"\\./${RegExp.escape(name)}"`, "g"),
        (_, names: string) => {
          const imports = names.split(",").map((pair) => this.#rename(name, pair));
          return `import{${imports.join(",")}}from"${MODULE_MARK}"`;
        },
      );
    }
    for (const name of lazy.keys()) {
      bound = bound.replaceAll(`"./${name}"`, `"${MODULE_MARK}${name}"`);
    }
    const left = /(?:from|import|import\()"\.\/[^"]*"/.exec(bound);
    if (left !== null) throw new Error(`can't tell what ${left[0]} is about`);
    return bound;
  }

  /** Statements that export what is shared. */
  exports(): string {
    return [...this.#exports].map(([chunk, names]) => {
      const pairs = [...names].map(([name, unique]) => `${name} as ${unique}`);
      return `\nexport{${pairs.join(",")}}from"./${chunk}";`;
    }).join("");
  }

  /** `a as f`, or `a` alone, with the unique name of that export instead of `a`. */
  #rename(chunk: string, pair: string): string {
    const [exported = "", local = exported] = pair.trim().split(" as ");
    let names = this.#exports.get(chunk);
    if (names === undefined) this.#exports.set(chunk, names = new Map());
    const unique = names.get(exported) ?? `zs3_${this.#count++}`;
    names.set(exported, unique);
    return `${unique} as ${local}`;
  }
}

/** A module of the pack is made into a URL before those that need it. */
function refuseCycles(packed: Chunks, name?: string, above: readonly string[] = []): void {
  for (const other of name === undefined ? packed.keys() : namesIn(packed.get(name) ?? "")) {
    if (above.includes(other)) throw new Error(`${other} needs itself: ${above.join(" → ")}`);
    refuseCycles(packed, other, [...above, other]);
  }
}

function namesIn(text: string): string[] {
  const marks = text.matchAll(new RegExp(`"${MODULE_MARK}([^"]+)"`, "g"));
  return [...marks].map(([, name = ""]) => name);
}

function loadFromPack(text: string, lazy: Chunks): string {
  let loading = text;
  for (const name of lazy.keys()) {
    loading = loading.replaceAll(`import("./${name}")`, `zs3Load("${name}")`);
  }
  return loading === text ? text : `import{load as zs3Load}from"./pack.js";${loading}`;
}

function packModule(packed: Chunks): string {
  const text = JSON.stringify(Object.fromEntries(packed));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  const base64 = brotliCompressSync(text, { params }).toString("base64");
  return `import{openPack}from"./unpack.ts";export const load=openPack("${base64}",import.meta.url);`;
}

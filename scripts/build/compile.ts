/** One executable for each target, by `deno compile`. */

import { DenoFailed, runDeno } from "./run_deno.ts";

/** By what Deno calls them: the name of the file. */
export const TARGETS = {
  "x86_64-unknown-linux-gnu": "zs3-x86_64-linux",
  "aarch64-unknown-linux-gnu": "zs3-aarch64-linux",
  "x86_64-apple-darwin": "zs3-x86_64-macos",
  "aarch64-apple-darwin": "zs3-aarch64-macos",
  "x86_64-pc-windows-msvc": "zs3-x86_64-windows.exe",
} as const;

export type Target = keyof typeof TARGETS;

/** What the program may do: it starts no programs, loads no libraries, and asks nobody for more. */
export const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--no-prompt",
];

export interface Compiled {
  /** Paths inside the executable, as Deno lists them. */
  readonly embedded: readonly string[];
}

/** Deno's runtime for the target is neither here nor to be had. */
export class RuntimeMissing extends Error {}

/**
 * Makes `output` of the one file `program`, which is all that it will have inside. The runtime comes from the network, or for
 * this machine's target from DENORT_BIN. Throws RuntimeMissing.
 */
export async function compile(program: string, output: string, target: Target): Promise<Compiled> {
  const isHost = target === Deno.build.target;
  const targetFlags = isHost ? [] : [`--target=${target}`];
  const dir = program.replace(/\/[^/]*$/, "");
  try {
    const said = await runDeno(
      [
        "compile",
        ...PERMISSIONS,
        "--no-check",
        "--app-name=zs3",
        ...targetFlags,
        `--output=${output}`,
        program,
      ],
      dir,
      isHost ? [] : ["DENORT_BIN"],
    );
    return { embedded: readEmbedded(said) };
  } catch (error) {
    if (error instanceof DenoFailed && isRuntimeMissing(error.said)) {
      throw new RuntimeMissing(
        `Deno's runtime for ${target} can't be fetched from dl.deno.land` +
          (isHost ? `, and DENORT_BIN doesn't name one (denort ${Deno.version.deno})` : ""),
        { cause: error },
      );
    }
    throw error;
  }
}

function isRuntimeMissing(said: string): boolean {
  return /denort|dl\.deno\.land|dns error|error sending request|tcp connect/i.test(said);
}

/** Lines of a tree, `│ ├── name (size)`, as paths. */
export function readEmbedded(said: string): string[] {
  const paths: string[] = [];
  const folders: string[] = [];
  for (const line of said.split("\n")) {
    const match = /^((?:[│ ] )*)[├└]─[─┬] (.+?)(?: \([\d.]+\w+\))?$/.exec(line);
    if (match === null) continue;
    const [, indent = "", name = ""] = match;
    const depth = indent.length / 2;
    folders.length = depth;
    folders[depth] = name;
    if (!line.includes("┬")) paths.push(folders.join("/"));
  }
  return paths;
}

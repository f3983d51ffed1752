/** The text of `--help`, made from the table of flags. Shows no value that is in force, so no secret either. */

import { FLAG_NAMES, type FlagName, flagOf, variablesOf } from "./flags.ts";

const HEAD = `zs3: S3-compatible object storage that keeps objects as plain files

  zs3 [serve] [flags]   serve S3 until SIGTERM or SIGINT
  zs3 check   [flags]   verify every object's bytes against its recorded hash, repair the catalog
  zs3 index   [flags]   print each object's bucket/key, ETag and size

Write --flag=value or --flag value. Each flag has an environment variable, ZS3_ and its name in capitals
(--data-dir: ZS3_DATA_DIR); the flag wins.`;

/** Ends with a line feed. */
export function helpText(): string {
  const groups = Map.groupBy(FLAG_NAMES, (name) => flagOf(name).group);
  const sections = [...groups].map(([group, names]) =>
    [
      `${group}:${group === "Cluster" ? " (not in this version yet)" : ""}`,
      ...names.map(flagLine),
    ].join("\n")
  );
  return [HEAD, ...sections].join("\n\n") + "\n";
}

function flagLine(name: FlagName): string {
  const flag = flagOf(name);
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.placeholder === undefined ? "" : `=${flag.placeholder}`;
  const notes = [
    ...(flag.fallback === undefined ? [] : [`default ${flag.fallback}`]),
    ...(flag.aliases === undefined ? [] : [`also ${variablesOf(name).slice(1).join(", ")}`]),
  ];
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return `  ${`${short}--${name}${value}`.padEnd(28)} ${flag.help}${note}`;
}

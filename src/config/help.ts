/** The text of `--help`, made from the table of flags. Shows no value that is in force, so no secret either. */

import { FLAG_NAMES, type FlagName, flagOf } from "./flags.ts";

const COLUMNS = 100;
const LEFT_COLUMNS = 30;

const HEAD =
  `zs3: S3-compatible object storage: objects as plain files, or on the nodes of a cluster

  zs3 [serve] [flags]   serve S3 until SIGTERM or SIGINT; with --distributed as a node of a cluster
  zs3 check   [flags]   verify every object's bytes against its recorded hash, also beside the
                        running server; of a node: every block that it holds
  zs3 backup  --to=FOLDER [flags]
                        make a consistent copy of the data dir, also beside the running server
  zs3 index   [flags]   print each object's bucket/key, ETag and size; of a node: BLAKE3 and size
  zs3 import  --from=FOLDER --data-dir=NEW [flags]
                        copy what a standalone server holds into the data dir of a first node
  zs3 config  [flags]   print what is in force and where each value came from; no secrets
  zs3 doctor  [flags]   look at this machine and the data dir: a report for a bug, without secrets

Write --flag=value or --flag value. Each flag has an environment variable, ZS3_ and its name in
capitals (--data-dir: ZS3_DATA_DIR), and its name in the file of --config. The flag wins, then the
variable, then the file. SIGHUP takes in what is new of its keys, and of the TLS files, without a
restart; Windows has no SIGHUP.`;

/** Ends with a line feed. */
export function helpText(): string {
  const groups = Map.groupBy(FLAG_NAMES, (name) => flagOf(name).group);
  const sections = [...groups].map(([group, names]) =>
    [
      `${group}:`,
      ...names.map(flagLines),
    ].join("\n")
  );
  return [HEAD, ...sections].join("\n\n") + "\n";
}

/** The flag on the left, on the right what it does, in as many lines as that takes. */
function flagLines(name: FlagName): string {
  const flag = flagOf(name);
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.placeholder === undefined ? "" : `=${flag.placeholder}`;
  const [first = "", ...rest] = wrap(flag.help + notes(name), COLUMNS - LEFT_COLUMNS);
  const left = `  ${short}--${name}${value}`.padEnd(LEFT_COLUMNS);
  return [left + first, ...rest.map((line) => " ".repeat(LEFT_COLUMNS) + line)].join("\n");
}

/** " (default 9000; also MINIO_ROOT_USER)", or nothing. */
function notes(name: FlagName): string {
  const { fallback, aliases } = flagOf(name);
  const notes = [
    ...(fallback === undefined ? [] : [`default ${fallback}`]),
    ...(aliases === undefined ? [] : [`also ${aliases.join(", ")}`]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** `zs3 config`: what is in force, and where each value came from. Shows no secret. */

import { type Config, DEFAULT_KEY_PAIR } from "../config.ts";
import { FLAG_NAMES, type FlagName, flagOf, isFileFlag, isSwitch } from "../config/flags.ts";
import type { Loaded } from "../config/load.ts";
import { oneLine } from "./one_line.ts";

const MASK = "***";
const NOTHING = "-";

/** A line for each flag that a server reads: its name, its value, and "default" or under which name it was given. */
export function configLines(loaded: Loaded): string[] {
  const names = FLAG_NAMES.filter((name) => isFileFlag(name) || name === "config");
  const rows = names.map((name) => rowOf(name, loaded));
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd()
  );
}

function rowOf(name: FlagName, { config, settings }: Loaded): string[] {
  const given = settings.find(name);
  const text = given?.text ?? findDefault(name, config);
  const value = text === undefined ? NOTHING : masked(name, text);
  return [name, value, given?.origin ?? "default"].map(oneLine);
}

/** What is in force when nothing is given, which may depend on other values. */
function findDefault(name: FlagName, { usesDefaultKeys, cluster }: Config): string | undefined {
  switch (name) {
    case "access-key":
      return usesDefaultKeys ? DEFAULT_KEY_PAIR.accessKeyId : undefined;
    case "secret-key":
      return usesDefaultKeys ? DEFAULT_KEY_PAIR.secretKey : undefined;
    case "write-quorum":
      return cluster?.writeQuorum.toString();
    case "read-quorum":
      return cluster?.readQuorum.toString();
    default:
      return isSwitch(name) ? "false" : flagOf(name).fallback;
  }
}

/** Of --acl roles and key ids stay to be seen. */
function masked(name: FlagName, text: string): string {
  if (name === "acl") {
    return text.split(",").map((entry) => [...entry.split(":").slice(0, 2), MASK].join(":")).join();
  }
  if (flagOf(name).isSecret) return MASK;
  return isSwitch(name) ? String(flagOf(name).parse(text)) : text;
}

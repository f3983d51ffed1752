/** A config file → the texts that it gives for flags. It says what the command line could, under the same names. */

import { FLAG_NAMES, type FlagName, flagOf, isFileFlag, isFlagName, isSwitch } from "./flags.ts";
import { JsonError, type JsonValue, parseEntries } from "./jsonc.ts";
import { findNearest } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

export interface ConfigFile {
  /** As given. */
  readonly path: string;
  /** Of each flag in it, as it would be written on the command line. */
  readonly texts: ReadonlyMap<FlagName, string>;
}

/** What editors use to find the schema; it says nothing to the server. */
const SCHEMA_NAME = "$schema";

/** Throws UsageError for a file that can't be read, and as parseConfigFile does. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/ \(os error.*$/s, "") : error;
    throw new UsageError(`the config file ${path} can't be read: ${reason}`);
  }
  return parseConfigFile(path, text);
}

/** Throws UsageError, with file, line and name, for what isn't JSON, isn't known, comes twice or has a value of another kind. */
export function parseConfigFile(path: string, text: string): ConfigFile {
  const texts = new Map<FlagName, string>();
  for (const { name, value, line } of entriesOf(path, text)) {
    if (name === SCHEMA_NAME) continue;
    const place = `${path}:${line}:`;
    if (!isFlagName(name) || !isFileFlag(name)) throw new UsageError(`${place} ${unknown(name)}`);
    if (texts.has(name)) throw new UsageError(`${place} ${name} is given twice`);
    const written = findText(name, value);
    if (written === undefined) throw new UsageError(`${place} ${name} must be ${kindOf(name)}`);
    texts.set(name, written);
  }
  return { path, texts };
}

function entriesOf(path: string, text: string) {
  try {
    return parseEntries(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new UsageError(`${path}:${error.line}: ${error.message}`);
  }
}

function unknown(name: string): string {
  const shown = JSON.stringify(name);
  if (isFlagName(name)) return `${shown} is only for the command line`;
  const typed = name.toLowerCase().replaceAll("_", "-").replace(/^-+/, "");
  const nearest = findNearest(typed, FLAG_NAMES.filter(isFileFlag));
  return nearest === undefined
    ? `unknown name ${shown}: zs3 --help lists all`
    : `unknown name ${shown}: did you mean ${nearest}?`;
}

/** undefined when the value is of another kind than the flag's, or an item would become two. */
function findText(name: FlagName, value: JsonValue): string | undefined {
  const { json } = flagOf(name).parse;
  if (isSwitch(name)) return typeof value === "boolean" ? String(value) : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number") {
    return json?.kind === "integer" && Number.isSafeInteger(value) ? String(value) : undefined;
  }
  if (typeof value === "boolean" || json?.kind !== "list" || value.length === 0) return undefined;
  return value.some((item) => item.includes(",")) ? undefined : value.join(",");
}

function kindOf(name: FlagName): string {
  if (isSwitch(name)) return "true or false";
  switch (flagOf(name).parse.json?.kind) {
    case "integer":
      return "a whole number";
    case "list":
      return "a text or a list of texts without commas";
    default:
      return "a text in double quotes";
  }
}

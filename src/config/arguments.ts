/** Command line words → flags as they were written. Knows the form of flags, not the meaning of their values. */

import { FLAG_NAMES, type FlagName, flagOf, isFlagName } from "./flags.ts";
import { findNearest } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

export const COMMANDS = [
  "serve",
  "check",
  "backup",
  "index",
  "import",
  "config",
  "doctor",
  "help",
  "version",
] as const;
export type Command = typeof COMMANDS[number];

export interface Arguments {
  readonly command: Command;
  /** Text of each flag given; "" for a bare switch. */
  readonly flags: ReadonlyMap<FlagName, string>;
}

/**
 * `--flag value`, `--flag=value`, `-f`, and at most one command word, in any order. A lone `--` is passed over: package
 * runners hand it on. Throws UsageError for what isn't known, is given twice, or lacks its value.
 */
export function parseArguments(words: readonly string[]): Arguments {
  const flags = new Map<FlagName, string>();
  let command: Command | undefined;
  const rest = words.filter((word) => word !== "--");
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith("-")) {
      const { name, written, text } = parseFlag(word, rest);
      if (flags.has(name)) throw new UsageError(`${written} is given twice`);
      flags.set(name, text);
    } else if (command === undefined) {
      command = parseCommand(word);
    } else {
      throw new UsageError(`unexpected argument ${JSON.stringify(word)} after ${command}`);
    }
  }
  return { command: command ?? "serve", flags };
}

interface WrittenFlag {
  readonly name: FlagName;
  /** As the person wrote it, without the value. */
  readonly written: string;
  readonly text: string;
}

/** Takes the value from `rest` when it isn't in the word itself. */
function parseFlag(word: string, rest: string[]): WrittenFlag {
  const equals = word.indexOf("=");
  const written = equals === -1 ? word : word.slice(0, equals);
  const attached = equals === -1 ? undefined : word.slice(equals + 1);
  const name = findFlag(written);
  if (name === undefined) throw unknownFlag(written);
  if (flagOf(name).placeholder === undefined) return { name, written, text: attached ?? "" };
  const text = attached ?? takeValue(rest);
  if (text === undefined || text === "") throw new UsageError(`${written} needs a value`);
  return { name, written, text };
}

/** The next word, unless it is a flag itself: a value that begins with "-" is written `--flag=-value`. */
function takeValue(rest: string[]): string | undefined {
  return rest[0]?.startsWith("-") ? undefined : rest.shift();
}

function findFlag(written: string): FlagName | undefined {
  if (written.startsWith("--")) {
    const name = written.slice(2);
    return isFlagName(name) ? name : undefined;
  }
  return FLAG_NAMES.find((name) => flagOf(name).short === written.slice(1));
}

function parseCommand(word: string): Command {
  const command = COMMANDS.find((known) => known === word);
  if (command !== undefined) return command;
  const nearest = findNearest(word, COMMANDS);
  throw new UsageError(
    nearest === undefined
      ? `unknown command ${JSON.stringify(word)}: there are ${COMMANDS.join(", ")}`
      : `unknown command ${JSON.stringify(word)}: did you mean ${nearest}?`,
  );
}

function unknownFlag(written: string): UsageError {
  const nearest = findNearest(written.replace(/^-+/, "").toLowerCase(), FLAG_NAMES);
  return new UsageError(
    nearest === undefined
      ? `unknown flag ${written}: zs3 --help lists all`
      : `unknown flag ${written}: did you mean --${nearest}?`,
  );
}

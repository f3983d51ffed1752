/** Command line, environment and the config file that they name → what is in force. */

import { type Config, parseConfig } from "../config.ts";
import { parseArguments } from "./arguments.ts";
import { type Environment, Settings } from "./settings.ts";

export interface Loaded {
  readonly config: Config;
  /** What each value was made from. */
  readonly settings: Settings;
}

/** Reads the config file anew each time, if one is named. Throws UsageError. */
export async function loadConfig(
  words: readonly string[],
  environment: Environment,
): Promise<Loaded> {
  const { command, flags } = parseArguments(words);
  const bare = new Settings(flags, environment);
  const isAsking = command === "help" || command === "version" || bare.value("help") ||
    bare.value("version");
  const path = isAsking ? undefined : bare.value("config");
  // Who has no file needs no reader of files.
  const file = path === undefined
    ? undefined
    : await (await import("./config_file.ts")).readConfigFile(path);
  return {
    config: parseConfig(words, environment, file),
    settings: new Settings(flags, environment, file),
  };
}

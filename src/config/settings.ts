/** One text per flag, from the command line, the environment, a config file or the table's fallback, and where it came from. */

import type { ConfigFile } from "./config_file.ts";
import { type FlagName, flagOf, FLAGS, type FlagValue, variablesOf } from "./flags.ts";
import { UsageError, ValueError } from "./usage_error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What was given for a flag, and the name under which it was given: `--port`, `MINIO_ROOT_USER`, `zs3.json: port`. */
interface Given {
  readonly text: string;
  readonly origin: string;
}

export class Settings {
  readonly #flags: ReadonlyMap<FlagName, string>;
  readonly #environment: Environment;
  readonly #file: ConfigFile | undefined;

  constructor(
    flags: ReadonlyMap<FlagName, string>,
    environment: Environment,
    file?: ConfigFile,
  ) {
    this.#flags = flags;
    this.#environment = environment;
    this.#file = file;
  }

  /** Throws UsageError when the text given stands for no value; the message repeats no secret. */
  value<Name extends FlagName>(name: Name): FlagValue<Name> {
    // FlagValue says what the row's own `parse` returns; the compiler can't see that through the row's general type.
    return this.#parse(name) as FlagValue<Name>;
  }

  /** Under which name a flag was given; undefined when its fallback is in force. */
  findOrigin(name: FlagName): string | undefined {
    return this.find(name)?.origin;
  }

  /** The flag, else the first variable that isn't empty (compose files set unused ones to ""), else the file. */
  find(name: FlagName): Given | undefined {
    const text = this.#flags.get(name);
    if (text !== undefined) return { text, origin: `--${name}` };
    for (const variable of variablesOf(name)) {
      const value = this.#environment[variable];
      if (value !== undefined && value !== "") return { text: value, origin: variable };
    }
    const filed = this.#file?.texts.get(name);
    return filed === undefined
      ? undefined
      : { text: filed, origin: `${this.#file?.path}: ${name}` };
  }

  #parse(name: FlagName): unknown {
    const flag = flagOf(name);
    const given = this.find(name);
    if (given === undefined) {
      return flag.fallback === undefined ? undefined : FLAGS[name].parse(flag.fallback);
    }
    try {
      return FLAGS[name].parse(given.text);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const value = flag.isSecret ? "" : `, not ${JSON.stringify(given.text)}`;
      throw new UsageError(`${given.origin} ${error.message}${value}`);
    }
  }
}

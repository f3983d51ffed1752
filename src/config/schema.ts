/** The JSON schema of config files, made from the table of flags: for editors. The server has its own checks. */

import { FLAG_NAMES, type FlagName, flagOf, isFileFlag, isSwitch } from "./flags.ts";

type Schema = Readonly<Record<string, unknown>>;

/** As JSON Schema 2020-12. scripts/config_schema.ts writes it to zs3.schema.json. */
export function configSchema(): Schema {
  const names = FLAG_NAMES.filter(isFileFlag);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "zs3 --config",
    description: "Flags of zs3 by their names. A flag or an environment variable wins over them.",
    type: "object",
    additionalProperties: false,
    properties: {
      $schema: { type: "string" },
      ...Object.fromEntries(names.map((name) => [name, propertyOf(name)])),
    },
  };
}

function propertyOf(name: FlagName): Schema {
  const { help, fallback } = flagOf(name);
  return {
    description: help,
    ...typeOf(name),
    ...(fallback === undefined ? {} : { default: valueOf(name, fallback) }),
  };
}

function typeOf(name: FlagName): Schema {
  if (isSwitch(name)) return { type: "boolean" };
  const { json } = flagOf(name).parse;
  switch (json?.kind) {
    case "integer":
      return { type: "integer", minimum: json.min, maximum: json.max };
    case "words":
      return { enum: json.words };
    case "list":
      return {
        anyOf: [
          { type: "string", minLength: 1 },
          { type: "array", minItems: 1, items: { type: "string", pattern: "^[^,]+$" } },
        ],
      };
    case undefined:
      return { type: "string", minLength: 1 };
  }
}

function valueOf(name: FlagName, text: string): unknown {
  return flagOf(name).parse.json?.kind === "integer" ? Number(text) : text;
}

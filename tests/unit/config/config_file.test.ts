import { assert, assertEquals, assertThrows } from "@std/assert";
import { configLines } from "../../../src/cli/config_command.ts";
import { parseConfig } from "../../../src/config.ts";
import { parseArguments } from "../../../src/config/arguments.ts";
import { parseConfigFile } from "../../../src/config/config_file.ts";
import { FLAG_NAMES, flagOf, isFileFlag } from "../../../src/config/flags.ts";
import { configSchema } from "../../../src/config/schema.ts";
import { type Environment, Settings } from "../../../src/config/settings.ts";
import { UsageError } from "../../../src/config/usage_error.ts";

const SECRET = "hush-hush-1";

function parse(text: string) {
  return parseConfigFile("zs3.json", text);
}

function textsOf(text: string): Record<string, string> {
  return Object.fromEntries(parse(text).texts);
}

const READ: Readonly<Record<string, readonly [text: string, texts: Record<string, string>]>> = {
  "nothing": ["{}", {}],
  "a byte order mark": ["\uFEFF{}", {}],
  "its schema": ['{"$schema": "./zs3.schema.json"}', {}],
  "texts and numbers": ['{"host": "::1", "port": 80, "replicas": 5}', {
    host: "::1",
    port: "80",
    replicas: "5",
  }],
  "a number as the command line has it": ['{"port": "80"}', { port: "80" }],
  "switches": ['{"distributed": true}', { distributed: "true" }],
  "lists": ['{"buckets": ["a", "b:public"], "bootstrap": "a:1,b:2"}', {
    buckets: "a,b:public",
    bootstrap: "a:1,b:2",
  }],
  "escapes": ['{"secret-key": "\\u00e4\\"\\\\"}', { "secret-key": 'ä"\\' }],
  "comments and trailing commas": [
    '// of this host\n{\n  "port": 80, // not 9000\n  /* "host": "x",\n */ "buckets": ["a",],\n}\n',
    { port: "80", buckets: "a" },
  ],
  "what looks like a comment in a text": ['{"data-dir": "//srv/*x*/"}', {
    "data-dir": "//srv/*x*/",
  }],
};

for (const [name, [text, expected]] of Object.entries(READ)) {
  Deno.test(`a config file may have ${name}`, () => assertEquals(textsOf(text), expected));
}

const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ["", 'zs3.json:1: "{" is expected'],
  ["[]", 'zs3.json:1: "{" is expected'],
  ["{", "zs3.json:1: a name in double quotes is expected"],
  ['{\n"port" 80}', 'zs3.json:2: ":" is expected'],
  ['{"port": 80\n"host": "x"}', 'zs3.json:2: "," or "}" is expected'],
  ['{"buckets": ["a" "b"]}', 'zs3.json:1: "," or "]" is expected'],
  ['{"buckets": [1]}', "zs3.json:1: a text in double quotes is expected"],
  ["{} {}", "zs3.json:1: nothing is expected after the last }"],
  ["{port: 80}", "zs3.json:1: a name in double quotes is expected"],
  [`{"secret-key": ${SECRET}}`, '"secret-key" must be a text in double quotes, a number, true'],
  [`{"secret-key": "${SECRET}\n"}`, "zs3.json:1: a text that ends on its line is expected"],
  [`{"secret-key": "\\${SECRET}"}`, "zs3.json:1: a text has an escape that JSON doesn't know"],
  [
    '{"acl": {"role": "admin"}}',
    '"acl" must be a text in double quotes, a number, true, false or a list',
  ],
  ['{"port": null}', '"port" must be a text in double quotes, a number'],
  ['{"prot": 80}', 'zs3.json:1: unknown name "prot": did you mean port?'],
  ['{\n\n"--data_dir": "x"}', 'zs3.json:3: unknown name "--data_dir": did you mean data-dir?'],
  ['{"zzzzzzzzz": 80}', 'zs3.json:1: unknown name "zzzzzzzzz": zs3 --help lists all'],
  ['{"help": true}', 'zs3.json:1: "help" is only for the command line'],
  ['{"config": "x"}', 'zs3.json:1: "config" is only for the command line'],
  ['{"port": 80, "port": 81}', "zs3.json:1: port is given twice"],
  ['{"port": 80.5}', "zs3.json:1: port must be a whole number"],
  ['{"port": true}', "zs3.json:1: port must be a whole number"],
  ['{"port": [80]}', "a text in double quotes is expected"],
  ['{"port": ["80"]}', "zs3.json:1: port must be a whole number"],
  ['{"host": 1}', "zs3.json:1: host must be a text in double quotes"],
  ['{"distributed": "true"}', "zs3.json:1: distributed must be true or false"],
  ['{"distributed": 1}', "zs3.json:1: distributed must be true or false"],
  ['{"buckets": []}', "zs3.json:1: buckets must be a text or a list of texts without commas"],
  [`{"acl": ["reader:r:${SECRET},admin:a:x"]}`, "zs3.json:1: acl must be a text or a list"],
];

for (const [text, message] of REFUSED) {
  Deno.test(`a config file is refused: ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => parse(text), UsageError, message);
    assertEquals(error.message.includes(SECRET), false);
    assertEquals(error.message.includes("\n"), false);
  });
}

Deno.test("a flag wins over a variable, that over the file, that over the default", () => {
  const file = parse('{"port": 3, "host": "file", "log": "json"}');
  const environment = { ZS3_PORT: "2", ZS3_HOST: "variable" };
  const config = parseConfig(["--port=1"], environment, file);
  const { port, host, log, durability } = config;
  assertEquals({ port, host, log, durability }, {
    port: 1,
    host: "variable",
    log: "json",
    durability: "strict",
  });
});

Deno.test("an alias of a variable wins over the file too", () => {
  const file = parse('{"access-key": "of-file", "secret-key": "of-file-secret"}');
  const { keyPairs } = parseConfig([], { MINIO_ROOT_USER: "of-minio" }, file);
  assertEquals(keyPairs, [
    { accessKeyId: "of-minio", secretKey: "of-file-secret", role: "admin" },
  ]);
});

const BAD_VALUES: readonly (readonly [text: string, message: string])[] = [
  ['{"port": 99999}', 'zs3.json: port must be a whole number from 0 to 65535, not "99999"'],
  ['{"durability": "often"}', "zs3.json: durability must be strict or relaxed"],
  ['{"region": ""}', "zs3.json: region must be"],
  [`{"acl": ["reader:${SECRET}"]}`, "zs3.json: acl must be role:key:secret"],
  ['{"replicas": 2}', "zs3.json: replicas needs --distributed"],
  [
    '{"distributed": true, "write-quorum": 4}',
    "zs3.json: write-quorum 4 must not be more than --replicas 3",
  ],
];

for (const [text, message] of BAD_VALUES) {
  Deno.test(`a bad value names the file and the flag: ${text}`, () => {
    const error = assertThrows(() => parseConfig([], {}, parse(text)), UsageError, message);
    assertEquals(error.message.includes(SECRET), false);
  });
}

function linesOf(words: string[], environment: Environment, text: string): string[] {
  const file = parse(text);
  const settings = new Settings(parseArguments(words).flags, environment, file);
  return configLines({ config: parseConfig(words, environment, file), settings })
    .map((line) => line.replace(/ {2,}/g, " | "));
}

Deno.test("config shows values and where they came from, and no secret", () => {
  const lines = linesOf(
    ["config", "--port=1", "-d"],
    { ZS3_SECRET_KEY: SECRET, MINIO_ROOT_USER: "root" },
    `{"log": "json", "acl": ["reader:r:${SECRET}:x", "user:u:${SECRET}"], "cluster-secret": "${SECRET}"}`,
  );
  for (
    const line of [
      "port | 1 | --port",
      "distributed | true | --distributed",
      "access-key | root | MINIO_ROOT_USER",
      "secret-key | *** | ZS3_SECRET_KEY",
      "log | json | zs3.json: log",
      "acl | reader:r:***,user:u:*** | zs3.json: acl",
      "cluster-secret | *** | zs3.json: cluster-secret",
      "write-quorum | 2 | default",
      "durability | strict | default",
      "region | - | default",
    ]
  ) {
    assert(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  }
  assertEquals(lines.join().includes(SECRET), false);
  assertEquals(lines.length, FLAG_NAMES.filter(isFileFlag).length + 1);
});

Deno.test("the schema in the repository is the one that the flags make", async () => {
  const file = new URL("../../../src/config/zs3.schema.json", import.meta.url);
  assertEquals(
    JSON.parse(await Deno.readTextFile(file)),
    JSON.parse(JSON.stringify(configSchema())),
    "run: deno run -A scripts/config_schema.ts",
  );
});

Deno.test("every flag that takes a whole number or a list says so to the schema", () => {
  for (const name of FLAG_NAMES.filter(isFileFlag)) {
    const { parse, placeholder } = flagOf(name);
    if (placeholder === undefined) continue;
    for (
      const [sample, kind] of [["100", "integer"], ["a.b", "list"], ["a.b:1", "list"]] as const
    ) {
      const value = tried(parse, sample);
      const isOfKind = kind === "integer" ? value === 100 : Array.isArray(value);
      if (isOfKind) assertEquals(parse.json?.kind, kind, name);
    }
  }
});

function tried(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

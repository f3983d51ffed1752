import { assertEquals, assertThrows } from "@std/assert";
import { type Config, DEFAULT_KEY_PAIR, parseConfig } from "../../../src/config.ts";
import type { ClusterConfig } from "../../../src/config/cluster.ts";
import { FLAG_NAMES, flagOf, FLAGS, variablesOf } from "../../../src/config/flags.ts";
import { helpText } from "../../../src/config/help.ts";
import { UsageError } from "../../../src/config/usage_error.ts";

const DEFAULTS: Config = {
  command: "serve",
  host: "0.0.0.0",
  port: 9000,
  tls: undefined,
  dataDir: "data",
  keyPairs: [DEFAULT_KEY_PAIR],
  usesDefaultKeys: true,
  buckets: [],
  durability: "strict",
  region: undefined,
  domains: [],
  logLevel: "access",
  log: "text",
  connectionLimits: {
    connectionsMax: 4096,
    headMsMax: 30_000,
    idleMsMax: 180_000,
    replyMsMax: 300_000,
  },
  requestsMax: 2048,
  bodyMemoryBytesMax: 128 * 1024 * 1024,
  bodyIdleMsMax: 60_000,
  metrics: "private",
  uploadAgeMsMax: 7 * 86_400_000,
  cluster: undefined,
  importFrom: undefined,
  check: {
    isRepair: false,
    acceptsDamaged: false,
    bytesPerSecondMax: Infinity,
    isRestart: false,
    stateFile: undefined,
    reportFile: undefined,
    isJson: false,
  },
  backupTo: undefined,
};
const CLUSTER: ClusterConfig = {
  bootstrap: [],
  gossipIntervalMs: 30_000,
  clusterSecret: undefined,
  tlsCaFile: undefined,
  advertise: undefined,
  replicas: 3,
  writeQuorum: 2,
  readQuorum: 2,
  discovery: "lan",
  gcGraceMs: 600_000,
  goneAfterMs: 900_000,
};
const DAY_MS = 86_400_000;
const root = { accessKeyId: "root", secretKey: "longsecret", role: "admin" } as const;
const keys = ["--access-key=root", "--secret-key=longsecret"];

interface Accepted {
  readonly words?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly differs: Partial<Config>;
}

const ACCEPTED: Readonly<Record<string, Accepted>> = {
  "nothing": { differs: {} },
  "a flag with =": { words: ["--port=80"], differs: { port: 80 } },
  "a flag and a value": { words: ["--port", "80"], differs: { port: 80 } },
  "port 0": { words: ["--port", "0"], differs: { port: 0 } },
  "a command": { words: ["check"], differs: { command: "check" } },
  "a command after flags": {
    words: ["--port", "80", "index"],
    differs: { command: "index", port: 80 },
  },
  "a lone -- from a package runner": { words: ["--", "--port=80"], differs: { port: 80 } },
  "help beats a bad value": { words: ["--port=x", "--help"], differs: { command: "help" } },
  "-h": { words: ["-h"], differs: { command: "help" } },
  "--version": { words: ["--version"], differs: { command: "version" } },
  "-v": { words: ["-v"], differs: { command: "version" } },
  "a value that holds =": { words: ["--data-dir=a=b"], differs: { dataDir: "a=b" } },
  "a value that begins with -": { words: ["--data-dir=-x"], differs: { dataDir: "-x" } },
  "an IPv6 host": { words: ["--host=[::1]"], differs: { host: "::1" } },
  "durability": { words: ["--durability=relaxed"], differs: { durability: "relaxed" } },
  "domains": {
    words: ["--domain=S3.example.com, local"],
    differs: { domains: ["s3.example.com", "local"] },
  },
  "TLS": {
    words: ["--tls-cert=c", "--tls-key=k"],
    differs: { tls: { certFile: "c", keyFile: "k" } },
  },
  "buckets": {
    words: ["--buckets=ci-cache,public-assets:public"],
    differs: {
      buckets: [{ name: "ci-cache", acl: "private" }, {
        name: "public-assets",
        acl: "public-read",
      }],
    },
  },
  "an age": { words: ["--upload-max-age=90m"], differs: { uploadAgeMsMax: 90 * 60_000 } },
  "an administrator": { words: keys, differs: { keyPairs: [root], usesDefaultKeys: false } },
  "the default pair, given": {
    words: ["--access-key=minioadmin", "--secret-key=minioadmin"],
    differs: {},
  },
  "an administrator and others": {
    words: [...keys, "--acl=reader:r-1:a:b:c:d:e,user:u@x:12345678"],
    differs: {
      keyPairs: [
        root,
        { accessKeyId: "r-1", secretKey: "a:b:c:d:e", role: "reader" },
        { accessKeyId: "u@x", secretKey: "12345678", role: "user" },
      ],
      usesDefaultKeys: false,
    },
  },
  "--acl alone puts the default pair out of force": {
    words: ["--acl=writer:w-1:12345678"],
    differs: {
      keyPairs: [{ accessKeyId: "w-1", secretKey: "12345678", role: "writer" }],
      usesDefaultKeys: false,
    },
  },
  "a variable": { environment: { ZS3_PORT: "80" }, differs: { port: 80 } },
  "a flag before its variable": {
    words: ["--port=81"],
    environment: { ZS3_PORT: "tcp://10.0.0.1:9000" },
    differs: { port: 81 },
  },
  "an empty variable": { environment: { ZS3_PORT: "", ZS3_ACL: "" }, differs: {} },
  "MinIO's variables": {
    environment: { MINIO_ROOT_USER: "root", MINIO_ROOT_PASSWORD: "longsecret" },
    differs: { keyPairs: [root], usesDefaultKeys: false },
  },
  "our variable before MinIO's": {
    environment: {
      ZS3_ACCESS_KEY: "root",
      MINIO_ROOT_USER: "other",
      MINIO_ROOT_PASSWORD: "longsecret",
    },
    differs: { keyPairs: [root], usesDefaultKeys: false },
  },
  "AWS_REGION": { environment: { AWS_REGION: "eu-west-1" }, differs: { region: "eu-west-1" } },
  "AWS_DEFAULT_REGION": {
    environment: { AWS_DEFAULT_REGION: "eu-west-1" },
    differs: { region: "eu-west-1" },
  },
  "AWS's keys are not the server's": {
    environment: { AWS_ACCESS_KEY_ID: "real", AWS_SECRET_ACCESS_KEY: "realsecret" },
    differs: {},
  },
  "a cluster switched off": { environment: { ZS3_DISTRIBUTED: "false" }, differs: {} },
  "a node": { words: ["--distributed"], differs: { cluster: CLUSTER } },
  "a node on the loopback address": {
    words: ["-d", "--host=127.0.0.1"],
    differs: { host: "127.0.0.1", cluster: CLUSTER },
  },
  "everything of a node": {
    words: [
      "-d",
      "--bootstrap=a:1, b.example:65535,[::1]:9000",
      "--gossip-interval-ms=100",
      "--cluster-secret=hush",
      "--tls-ca=ca.pem",
      "--advertise=[fe80::1]:9001",
      "--replicas=5",
      "--write-quorum=4",
      "--read-quorum=3",
      "--discovery=off",
      "--gc-grace=1s",
      "--gone-after=2h",
    ],
    differs: {
      cluster: {
        bootstrap: ["a:1", "b.example:65535", "[::1]:9000"],
        gossipIntervalMs: 100,
        clusterSecret: "hush",
        tlsCaFile: "ca.pem",
        advertise: "[fe80::1]:9001",
        replicas: 5,
        writeQuorum: 4,
        readQuorum: 3,
        discovery: "off",
        gcGraceMs: 1000,
        goneAfterMs: 7_200_000,
      },
    },
  },
  "a node by variables": {
    environment: { ZS3_DISTRIBUTED: "1", ZS3_CLUSTER_SECRET: "hush", ZS3_BOOTSTRAP: "a:1" },
    differs: { cluster: { ...CLUSTER, clusterSecret: "hush", bootstrap: ["a:1"] } },
  },
  "a cluster secret where no key is an administrator's": {
    words: ["-d", "--cluster-secret=hush", "--acl=writer:w-1:12345678"],
    differs: {
      keyPairs: [{ accessKeyId: "w-1", secretKey: "12345678", role: "writer" }],
      usesDefaultKeys: false,
      cluster: { ...CLUSTER, clusterSecret: "hush" },
    },
  },
  "an import": {
    words: ["import", "--from=old", "--data-dir=new"],
    differs: { command: "import", importFrom: "old", dataDir: "new" },
  },
  "a check": {
    words: [
      "check",
      "--repair",
      "--accept-damaged",
      "--check-rate=20",
      "--restart",
      "--check-state=s",
      "--report=r",
      "--json",
    ],
    differs: {
      command: "check",
      check: {
        isRepair: true,
        acceptsDamaged: true,
        bytesPerSecondMax: 20_000_000,
        isRestart: true,
        stateFile: "s",
        reportFile: "r",
        isJson: true,
      },
    },
  },
  "a backup": {
    words: ["backup", "--to=copy"],
    differs: { command: "backup", backupTo: "copy" },
  },
};

for (const [name, { words = [], environment = {}, differs }] of Object.entries(ACCEPTED)) {
  Deno.test(`config takes ${name}`, () => {
    assertEquals(parseConfig(words, environment), { ...DEFAULTS, ...differs });
  });
}

const CLUSTER_WORDS = [
  "--bootstrap=a:1",
  "--gossip-interval-ms=30000",
  "--cluster-secret=hush",
  "--advertise=a:1",
  "--replicas=3",
  "--write-quorum=2",
  "--read-quorum=2",
  "--discovery=off",
  "--gc-grace=10m",
  "--gone-after=15m",
  "--tls-ca=ca.pem",
];

const REFUSED: readonly (readonly [words: readonly string[], message: string])[] = [
  [["--prot=1"], "unknown flag --prot: did you mean --port?"],
  [["--data_dir=x"], "unknown flag --data_dir: did you mean --data-dir?"],
  [["--bucket=x"], "unknown flag --bucket: did you mean --buckets?"],
  [["-p", "1"], "unknown flag -p: did you mean --port?"],
  [["--frobnicate"], "unknown flag --frobnicate: zs3 --help lists all"],
  [["-"], "unknown flag -: zs3 --help lists all"],
  [["sevre"], 'unknown command "sevre": did you mean serve?'],
  [
    ["/data"],
    'unknown command "/data": there are serve, check, backup, index, import, config, doctor, help, version',
  ],
  [["serve", "/data"], 'unexpected argument "/data" after serve'],
  [["--port"], "--port needs a value"],
  [["--port="], "--port needs a value"],
  [["--port", ""], "--port needs a value"],
  [["--data-dir", "--port=1"], "--data-dir needs a value"],
  [["--port=1", "--port=2"], "--port is given twice"],
  [["--help", "-h"], "-h is given twice"],
  [["--port=65536"], '--port must be a whole number from 0 to 65535, not "65536"'],
  [["--port=-1"], '--port must be a whole number from 0 to 65535, not "-1"'],
  [["--port=1e3"], '--port must be a whole number from 0 to 65535, not "1e3"'],
  [["--port=9000 "], '--port must be a whole number from 0 to 65535, not "9000 "'],
  [
    ["--host=http://x"],
    '--host must be an IP address or a host name, without scheme and port, not "http://x"',
  ],
  [["--durability=fast"], '--durability must be strict or relaxed, not "fast"'],
  [["--log=yes"], '--log must be text, json or off, not "yes"'],
  [["--upload-max-age=7"], '--upload-max-age must be a time such as 90s, 30m, 12h or 7d, not "7"'],
  [
    ["--upload-max-age=0d"],
    '--upload-max-age must be a time such as 90s, 30m, 12h or 7d, not "0d"',
  ],
  [["--tls-cert=x"], "--tls-cert and --tls-key go together: one is missing"],
  [["--access-key=root"], "--access-key and --secret-key go together: one is missing"],
  [["--secret-key=longsecret"], "--access-key and --secret-key go together: one is missing"],
  [
    ["--buckets=A,b"],
    "--buckets must be name[:public],… with names of up to 63 lower-case letters,",
  ],
  [["--buckets=abc:private"], "--buckets must be name[:public],… with names of up to 63"],
  [["--buckets=abc,abc:public"], '--buckets must name each bucket once, not "abc,abc:public"'],
  [["--region=eu west"], '--region must be a region name such as us-east-1, not "eu west"'],
  [["--domain=http://x"], "--domain must be host names such as s3.example.com, separated by"],
  ...CLUSTER_WORDS.map((word) =>
    [[word], `${word.replace(/=.*/, "")} needs --distributed`] as const
  ),
  [["--distributed=off", "--bootstrap=a:1"], "--bootstrap needs --distributed"],
  [["--bootstrap=a"], "--bootstrap must be host:port or [IPv6]:port,…, with ports from 1 to 65535"],
  ...["a", "a:0", "a:65536", ":1", "a:x", "::1:9000", "[a]:1", "http://a:1", "a:1,", "a b:1"].map((
    text,
  ) =>
    [
      ["-d", `--bootstrap=${text}`],
      "--bootstrap must be host:port or [IPv6]:port,…, with ports",
    ] as const
  ),
  ...["a:1,b:1", "a:0", "a", " a:1"].map((text) =>
    [
      ["-d", `--advertise=${text}`],
      "--advertise must be one host:port or [IPv6]:port, with a",
    ] as const
  ),
  [["-d", "--write-quorum=4"], "--write-quorum 4 must not be more than --replicas 3"],
  [["-d", "--read-quorum=4"], "--read-quorum 4 must not be more than --replicas 3"],
  [
    ["-d", "--write-quorum=1", "--read-quorum=2"],
    "--write-quorum 1 and --read-quorum 2 must be more than --replicas 3 together: a read would miss",
  ],
  [
    ["-d", "--replicas=4", "--read-quorum=1"],
    "--write-quorum 3 and --read-quorum 1 must be more than --replicas 4 together: a read would miss",
  ],
  [["-d", "--gc-grace=10"], '--gc-grace must be a time such as 90s, 30m, 12h or 7d, not "10"'],
  [["-d", "--gone-after=0s"], "--gone-after must be a time such as 90s, 30m, 12h or 7d"],
  [
    ["-d", "--acl=writer:w-1:12345678"],
    "--distributed needs --cluster-secret or an administrator's key to derive it from",
  ],
  [["import"], "import needs --from: the data dir of a standalone server"],
  [["import", "--from=data"], "--from and --data-dir must be two folders"],
  [["--repair"], "--repair belongs to check, not to serve"],
  [["backup", "--to=x", "--json"], "--json belongs to check, not to backup"],
  [["check", "--accept-damaged"], "--accept-damaged goes with --repair"],
  [["check", "--check-rate=0"], '--check-rate must be a whole number from 1 to 1000000, not "0"'],
  [["check", "--to=x"], "--to belongs to backup, not to check"],
  [["backup"], "backup needs --to: the folder that becomes the backup"],
  [["backup", "--to=data"], "--to and --data-dir must be two folders"],
  [["--from=x"], "--from belongs to import, not to serve"],
  [["check", "--from=x"], "--from belongs to import, not to check"],
  [["--replicas=x"], '--replicas must be a whole number from 1 to 20, not "x"'],
  [["--distributed=maybe"], '--distributed must be true or false, not "maybe"'],
];

for (const [words, message] of REFUSED) {
  Deno.test(`config refuses ${words.join(" ")}`, () => {
    const error = assertThrows(() => parseConfig(words, {}), UsageError);
    assertEquals(error.message.slice(0, message.length), message);
    assertEquals(error.message.includes("\n"), false);
  });
}

const SECRET = "hush-hush-hush";
const SECRET_MISTAKES: readonly (readonly string[])[] = [
  ["--secret-key=\t" + SECRET],
  ["--access-key=root", `--secret-key=${SECRET}`, `--secret-key=${SECRET}`],
  [`--acl=root:k-1:${SECRET}`],
  [`--acl=admin:${SECRET}`],
  [`--acl=${SECRET}:admin:k-1`],
  [`--acl=admin:${SECRET},,`],
  [`--acl=admin:k-1:${SECRET},reader:k-1:${SECRET}`],
  [`--acl=admin:k 1:${SECRET}`],
  [`--acl=admin:k-1:${SECRET}\u0001`],
  [...keys, `--acl=admin:root:${SECRET}`],
  [`--secretkey=${SECRET}`],
  [`--cluster-secret=${SECRET}`],
  ["--distributed", `--cluster-secret=\t${SECRET}`],
  ["--distributed", "--replicas=1", "--write-quorum=2", `--cluster-secret=${SECRET}`],
];

for (const [index, words] of SECRET_MISTAKES.entries()) {
  Deno.test(`config repeats no secret in a message, ${index}`, () => {
    for (const name of ["flags", "variables"]) {
      const environment = name === "flags" ? {} : Object.fromEntries(words.map(toVariable));
      const given = name === "flags" ? words : ["--prot"];
      const error = assertThrows(() => parseConfig(given, environment), UsageError);
      assertEquals(error.message.includes("hush"), false, error.message);
    }
  });
}

function toVariable(word: string): [string, string] {
  const [flag = "", ...value] = word.split("=");
  return [`ZS3_${flag.slice(2).toUpperCase().replaceAll("-", "_")}`, value.join("=")];
}

Deno.test("a mistake in a variable names the variable", () => {
  for (const variable of ["MINIO_REGION", "AWS_REGION", "ZS3_REGION"]) {
    const error = assertThrows(() => parseConfig([], { [variable]: "a/b" }), UsageError);
    assertEquals(error.message, `${variable} must be a region name such as us-east-1, not "a/b"`);
  }
});

Deno.test("help shows every flag with what it does and its default", () => {
  const text = helpText().replace(/\s+/g, " ");
  for (const name of FLAG_NAMES) {
    const { help, fallback, placeholder } = flagOf(name);
    const written = `--${name}${placeholder === undefined ? "" : `=${placeholder}`} ${help}`;
    const expected = fallback === undefined ? written : `${written} (default ${fallback}`;
    assertEquals(text.includes(expected), true, expected);
  }
});

Deno.test("quorums that aren't given fit the replicas", () => {
  const quorums = (...words: string[]) => {
    const { cluster } = parseConfig(["-d", ...words], {});
    return [cluster?.writeQuorum, cluster?.readQuorum];
  };
  const table: readonly (readonly [words: string[], quorums: number[]])[] = [
    [["--replicas=1"], [1, 1]],
    [["--replicas=2"], [2, 1]],
    [["--replicas=4"], [3, 2]],
    [["--replicas=5"], [3, 3]],
    [["--write-quorum=3"], [3, 1]],
    [["--write-quorum=1"], [1, 3]],
    [["--read-quorum=3"], [2, 3]],
  ];
  for (const [words, expected] of table) assertEquals(quorums(...words), expected, words.join(" "));
});

Deno.test("every flag of the cluster is refused without it, and the table of these is whole", () => {
  const names = FLAG_NAMES.filter((name) => flagOf(name).group === "Cluster");
  const tried = CLUSTER_WORDS.map((word) => word.slice(2).replace(/=.*/, ""));
  assertEquals(["distributed", ...tried].sort(), [...names].sort());
});

Deno.test("every flag has a variable of its own, but those of one command", () => {
  const variables = FLAG_NAMES.flatMap(variablesOf);
  assertEquals(new Set(variables).size, variables.length);
  assertEquals(FLAG_NAMES.filter((name) => variablesOf(name).length === 0), [
    "check-rate",
    "restart",
    "check-state",
    "report",
    "json",
    "repair",
    "accept-damaged",
    "to",
    "from",
    "help",
    "version",
  ]);
});

Deno.test("every fallback stands for a value", () => {
  for (const name of FLAG_NAMES) {
    const { fallback } = flagOf(name);
    if (fallback !== undefined) FLAGS[name].parse(fallback);
  }
});

Deno.test("durations have units", () => {
  for (const [text, ms] of [["1s", 1000], ["2h", 7_200_000], ["3d", 3 * DAY_MS]] as const) {
    assertEquals(parseConfig([`--upload-max-age=${text}`], {}).uploadAgeMsMax, ms);
  }
});

/** The program's commands and mistakes in calling it, as a person sees them. */

import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";

const SECRET = "hush-hush-hush";

Deno.test("--help, -h and help print the same and end with 0", async () => {
  const outcomes = await Promise.all(
    [["--help"], ["-h"], ["help"]].map((words) =>
      runProgram(words, {
        ZS3_SECRET_KEY: SECRET,
        ZS3_ACCESS_KEY: "root",
        ZS3_ACL: `admin:key:${SECRET}`,
        ZS3_DISTRIBUTED: "1",
        ZS3_CLUSTER_SECRET: SECRET,
      })
    ),
  );
  for (const { code, stdout, stderr } of outcomes) {
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, outcomes[0]?.stdout);
    assertMatch(stdout, /--data-dir=FOLDER .*\(default\s+data\)/);
    assertEquals(stdout.includes("hush"), false);
    for (const line of stdout.split("\n")) assertEquals(line.length <= 100, true, line);
  }
});

Deno.test("--version, -v and version print one line and end with 0", async () => {
  for (const word of ["--version", "-v", "version"]) {
    const { code, stdout, stderr } = await runProgram([word]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^zs3 \d+\.\d+\.\d+(?: \([0-9a-f]{12}(?:, changed)?\))?\n$/);
  }
});

const MISTAKES: readonly (readonly [words: readonly string[], line: string])[] = [
  [["--prot=1"], "zs3: unknown flag --prot: did you mean --port?\n"],
  [["sevre"], 'zs3: unknown command "sevre": did you mean serve?\n'],
  [["--port=x"], 'zs3: --port must be a whole number from 0 to 65535, not "x"\n'],
  [["--bootstrap=a:1"], "zs3: --bootstrap needs --distributed\n"],
  [["--from=x"], "zs3: --from belongs to import, not to serve\n"],
  [
    [`--acl=root:key:${SECRET}`],
    "zs3: --acl must be role:key:secret,… with role admin, writer, reader or user: entry 1 is not\n",
  ],
];

for (const [words, line] of MISTAKES) {
  Deno.test(`${words.join(" ")} is one line on stderr and ends with 2`, async () => {
    assertEquals(await runProgram(words), { code: 2, stdout: "", stderr: line });
  });
}

Deno.test("what keeps the program from starting is one line on stderr and ends with 1", async () => {
  await using temp = await TempDir.make();
  const { path } = temp;
  await Deno.writeTextFile(`${path}/file`, "not a folder, not a certificate");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const usual = [`--data-dir=${path}/data`, "--host=127.0.0.1"];
  const cases: readonly (readonly [words: readonly string[], line: string])[] = [
    [[...usual, `--port=${port}`], `port ${port} on 127.0.0.1 is taken by another program`],
    [
      [`--data-dir=${path}/file/data`],
      `the data dir ${path}/file/data is not writable: Not a directory`,
    ],
    [
      [...usual, "--port=0", `--tls-cert=${path}/none`, `--tls-key=${path}/file`],
      `the TLS certificate ${path}/none can't be read: No such file or directory`,
    ],
    [
      [...usual, "--port=0", `--tls-cert=${path}/file`, `--tls-key=${path}/file`],
      `the TLS certificate ${path}/file is not a PEM file`,
    ],
    [
      [`--data-dir=${path}/data`, "--port=0", "--host=192.0.2.1"],
      "192.0.2.1 is not an address of this machine",
    ],
  ];
  for (const [words, line] of cases) {
    const { code, stdout, stderr } = await runProgram(words);
    assertEquals([code, stdout, stderr], [1, "", `zs3: ${line}\n`]);
  }
});

/** `deno task cluster`: it starts nodes that are one cluster, says how to use them, and ends them. */

import { assertEquals, assertMatch } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";

const SCRIPT = new URL("../../scripts/cluster.ts", import.meta.url).href;
const NODES = 3;

/** The first of as many ports that nobody listens on just now, below those that the system gives away by itself. */
function findFreePorts(count: number): number {
  for (let tries = 0; tries < 100; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.every(isFree)) return first;
  }
  throw new Error("no free ports in a row");
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}

function spawn(words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, ...words],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function jsonAt(url: string): Promise<unknown> {
  return await (await fetch(url)).json();
}

Deno.test("the script starts three nodes of one cluster, and Ctrl-C ends them", async () => {
  await using temp = await TempDir.make();
  const port = findFreePorts(NODES);
  const words = [`--port=${port}`, `--data-dir=${temp.path}`, "--", "--log=off"];
  for (const round of ["the first time", "with the same data dirs"]) {
    const process = spawn(words);
    const stderr = new Response(process.stderr).text();
    let said = "";
    for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.endsWith("Ctrl-C ends them all\n")) {
        for (let node = 0; node < NODES; node++) {
          const url = `http://127.0.0.1:${port + node}/_zs3`;
          assertMatch(JSON.stringify(await jsonAt(`${url}/ping`)), /"state":"ready"/);
          const peers = await jsonAt(`${url}/peers`);
          assertEquals(Array.isArray(peers) && peers.length, NODES, round);
        }
        process.kill("SIGINT");
      }
    }
    const { code } = await process.status;
    assertEquals([code, await stderr], [0, ""], round);
    assertMatch(said, new RegExp(`^3 nodes are ready: http://127.0.0.1:${port} `));
    assertMatch(
      said,
      new RegExp(`  try .*aws --endpoint-url http://127.0.0.1:${port + 1} s3 ls\n`),
    );
    for (let node = 1; node <= NODES; node++) {
      assertMatch(said, new RegExp(`node ${node} has ended \\(0\\)\n`));
    }
  }
});

Deno.test("the script says why it can't start, and leaves no node running", async () => {
  await using temp = await TempDir.make();
  const port = findFreePorts(NODES);
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: port + 1 });
  const words = [`--port=${port}`, `--data-dir=${temp.path}`, "--", "--log=off"];
  const { code, stdout, stderr } = await spawn(words).output();
  assertEquals(code, 1);
  const said = new TextDecoder().decode(stderr);
  assertMatch(said, new RegExp(`^2: zs3: port ${port + 1} on 127.0.0.1 is taken`, "m"));
  assertMatch(said, /^node 2 ended before it was ready$/m);
  assertEquals(new TextDecoder().decode(stdout).match(/has ended/g)?.length, NODES);
  assertEquals(isFree(port), true);
});

Deno.test("the script refuses what it doesn't know", async () => {
  for (const words of [["--prot=1"], ["three"], ["--nodes=0"], ["--port=65534"], ["--nodes=x"]]) {
    const { code, stdout } = await spawn(words).output();
    assertEquals([code, stdout.length], [2, 0], words.join(" "));
  }
});

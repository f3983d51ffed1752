import { assertEquals } from "@std/assert";
import { readEmbedded } from "../../scripts/build/compile.ts";
import { openPack } from "../../scripts/build/unpack.ts";
import { brotliCompressSync } from "node:zlib";

Deno.test("build: the files inside an executable are read from what Deno prints", () => {
  const said = `Compile main.ts to zs3

Embedded Files

zs3
├── main.ts (19.6KB)
├─┬ src (2.74MB)
│ ├─┬ auth (202.08KB)
│ │ └── a b.ts (10.32KB)
│ └── timers.ts (344B)
└── .npm.json

Files: 2.79MB
`;
  assertEquals(readEmbedded(said), ["main.ts", "src/auth/a b.ts", "src/timers.ts", ".npm.json"]);
  assertEquals(readEmbedded("Compile main.ts to zs3\n"), []);
});

Deno.test("build: modules of a pack import each other and the program, once", async () => {
  const program = "data:text/javascript,export const state = { count: 0 };";
  const texts = {
    a: 'import { state } from "zs3-module:"; export { b } from "zs3-module:b"; state.count++;',
    b: 'import { state } from "zs3-module:"; export const b = "of b"; state.count += 10;',
  };
  const load = openPack(brotliCompressSync(JSON.stringify(texts)).toString("base64"), program);
  const { state } = await import(program);
  assertEquals({ ...await load("a") as object }, { b: "of b" });
  assertEquals({ ...await load("b") as object }, { b: "of b" });
  assertEquals(state.count, 11);
});

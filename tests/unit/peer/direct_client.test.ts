/** Peers are called themselves, whatever proxy the environment names for others. */

import { assertEquals } from "@std/assert";

const SCRIPT = new URL("direct_client/program.ts", import.meta.url).href;
/** Nobody listens there. */
const PROXY = "http://127.0.0.1:1";

Deno.test("a proxy in the environment isn't used, and stays there for others", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT],
    env: { HTTP_PROXY: PROXY, http_proxy: PROXY, ALL_PROXY: PROXY, NO_PROXY: "", no_proxy: "" },
  });
  const { stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stdout), `reached, ${PROXY}\n`, decoder.decode(stderr));
});

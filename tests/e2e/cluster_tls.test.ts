/** Nodes that talk https to each other, with certificates of an authority of their own. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { makeCertificate } from "../support/certificate.ts";
import { LocalCluster } from "../support/local_cluster.ts";
import { Program } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openFetch } from "../support/trusting_fetch.ts";

/** Flags of https, and the file of the authority that they are good for. */
async function writeCertificates({ path }: TempDir) {
  const { authority, certificate, privateKey } = makeCertificate();
  const authorityFile = `${path}/authority.pem`;
  await Deno.writeTextFile(authorityFile, authority);
  await Deno.writeTextFile(`${path}/cert.pem`, certificate);
  await Deno.writeTextFile(`${path}/key.pem`, privateKey);
  return { authorityFile, flags: [`--tls-cert=${path}/cert.pem`, `--tls-key=${path}/key.pem`] };
}

const PATIENCE_MS = 30_000;

Deno.test("nodes that trust one authority join over https", async () => {
  await using temp = await TempDir.make();
  const { authorityFile, flags } = await writeCertificates(temp);
  await using cluster = await LocalCluster.start({
    nodes: 2,
    flags: [...flags, `--tls-ca=${authorityFile}`],
  });
  using client = openFetch({ authorityFile });
  const statesOf = async () => {
    const { text } = await client.text(`${cluster.node(2).url}/_zs3/peers`);
    return JSON.parse(text).map(({ state }: { state: string }) => state);
  };
  // They answer requests a moment before each knows that the other has settled.
  const end = performance.now() + PATIENCE_MS;
  while ((await statesOf()).includes("synced") && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(await statesOf(), ["settled", "settled"]);
});

Deno.test("an authority that can't be read ends the start, and says which", async () => {
  await using temp = await TempDir.make();
  const { flags } = await writeCertificates(temp);
  const missing = `${temp.path}/missing.pem`;
  const error = await assertRejects(
    () => Program.start({ flags: ["-d", "--discovery=off", ...flags, `--tls-ca=${missing}`] }),
    Error,
  );
  assertMatch(error.message, /the TLS authority \S+missing\.pem can't be read/);
});

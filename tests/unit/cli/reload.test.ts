import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createKeyring, type KeyPair } from "../../../src/auth/keyring.ts";
import { describeKeys, refuseReload, Reloader } from "../../../src/cli/reload.ts";
import { StartError } from "../../../src/cli/start_error.ts";
import type { TlsTexts } from "../../../src/cli/tls_files.ts";
import { parseConfig } from "../../../src/config.ts";
import { parseArguments } from "../../../src/config/arguments.ts";
import type { Loaded } from "../../../src/config/load.ts";
import { Settings } from "../../../src/config/settings.ts";
import { UsageError } from "../../../src/config/usage_error.ts";
import { silentLog } from "../../../src/log.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { TempDir } from "../../support/temp_dir.ts";

const ROOT = ["--access-key=root", "--secret-key=longsecret"];

function loadedFrom(...words: string[]): Loaded {
  return {
    config: parseConfig(words, {}),
    settings: new Settings(parseArguments(words).flags, {}),
  };
}

/** A reloader to whom `next` is what there is to read now. */
function fixture(start: Loaded) {
  const world = { next: () => start, faults: [] as unknown[], notices: [] as string[] };
  const keyring = createKeyring(start.config.keyPairs);
  const taken: TlsTexts[] = [];
  const port = {
    isNewTls: (tls: TlsTexts) => taken.at(-1)?.cert !== tls.cert,
    renewTls: (tls: TlsTexts) => {
      taken.push(tls);
      return Promise.resolve(true);
    },
  };
  const log = {
    ...silentLog,
    notice: (text: string) => void world.notices.push(text),
    fault: (_id: string, cause: unknown) => void world.faults.push(cause),
  };
  const reloader = new Reloader({
    loaded: start,
    load: () => Promise.resolve().then(() => world.next()),
    keyring,
    port,
    log,
  });
  return { world, keyring, reloader, taken };
}

Deno.test("a reload replaces keys, and says what only a restart takes in", async () => {
  const { world, keyring, reloader } = fixture(loadedFrom(...ROOT));
  world.next = () => loadedFrom("--acl=reader:r:s3cret", "--port=1", "--log=json");
  await reloader.request();
  assertEquals(keyring.find("root"), undefined);
  assertEquals(keyring.find("r")?.role, "reader");
  assertEquals(world.faults, []);
  assertEquals(world.notices, [
    "SIGHUP: 1 key pair in force: added r, removed root",
    "SIGHUP: only a restart takes in what is new of port, log",
  ]);
});

Deno.test("what is wrong with a reload keeps all that is in force", async () => {
  await using temp = await TempDir.make();
  const { world, keyring, reloader } = fixture(loadedFrom(...ROOT));
  for (
    const [next, message] of [
      [() => {
        throw new UsageError("zs3.json:1: x");
      }, /^SIGHUP: nothing is changed: zs3\.json:1: x$/],
      [() => loadedFrom(), /nothing is changed: no key pair is left but the default one/],
      [
        () =>
          loadedFrom("--acl=admin:a:b", `--tls-cert=${temp.path}/c`, `--tls-key=${temp.path}/k`),
        /nothing is changed: the TLS certificate .* can't be read/,
      ],
    ] as const
  ) {
    world.next = next;
    await reloader.request();
    assertMatch(String(world.faults.pop()), message);
    assertEquals(keyring.find("root")?.secretKey, "longsecret");
    assertEquals(world.notices, []);
  }
});

Deno.test("requests during a reload are one more reload", async () => {
  const { world, reloader } = fixture(loadedFrom(...ROOT));
  let loads = 0;
  world.next = () => {
    loads++;
    return loadedFrom(...ROOT);
  };
  const first = reloader.request();
  reloader.request();
  reloader.request();
  await first;
  assertEquals(loads, 2);
  await reloader.request();
  assertEquals(loads, 3);
});

Deno.test("another certificate is taken, and the same one never", async () => {
  await using temp = await TempDir.make();
  const tls = [`--tls-cert=${temp.path}/c`, `--tls-key=${temp.path}/k`];
  const { reloader, taken, world } = fixture(loadedFrom(...ROOT, ...tls));
  world.next = () => loadedFrom(...ROOT, ...tls);
  const certificates = [makeCertificate(), makeCertificate()];
  for (const { certificate, privateKey } of certificates) {
    await Deno.writeTextFile(`${temp.path}/c`, certificate);
    await Deno.writeTextFile(`${temp.path}/k`, privateKey);
    for (let time = 0; time < 2; time++) await reloader.request();
  }
  await reloader.ended();
  assertEquals(taken.map(({ cert }) => cert), certificates.map(({ certificate }) => certificate));
  assertEquals(world.faults, []);
  assertEquals(
    world.notices.filter((notice) => notice.includes("certificate is in force")).length,
    2,
  );
});

const PAIRS = {
  a: { accessKeyId: "a", secretKey: "1", role: "admin" },
  changedA: { accessKeyId: "a", secretKey: "2", role: "admin" },
  b: { accessKeyId: "b", secretKey: "1", role: "reader" },
  promotedB: { accessKeyId: "b", secretKey: "1", role: "writer" },
} satisfies Record<string, KeyPair>;

Deno.test("changes of keys are told by id", () => {
  const { a, changedA, b, promotedB } = PAIRS;
  assertEquals(describeKeys([a, b], [a, b]), "2 key pairs in force: as before");
  assertEquals(describeKeys([a], [changedA, b]), "2 key pairs in force: added b, changed a");
  assertEquals(describeKeys([a, b], [promotedB]), "1 key pair in force: changed b, removed a");
  const many = Array.from({ length: 25 }, (_, n) => ({ ...b, accessKeyId: `k${n}` }));
  assertMatch(describeKeys([], many), /added k0 .* k19 and 5 more$/);
});

Deno.test("the pair from which a cluster's secret is derived must stay", () => {
  const of = (...words: string[]) => loadedFrom("-d", ...words).config;
  const before = of(...ROOT);
  for (
    const next of [of("--access-key=root", "--secret-key=other"), of("--acl=admin:x:longsecret")]
  ) {
    assertThrows(() => refuseReload(before, next), StartError, "derived from the administrator");
  }
  refuseReload(before, of(...ROOT, "--acl=reader:r:s"));
  const secret = "--cluster-secret=shared";
  refuseReload(of(...ROOT, secret), of("--acl=admin:x:longsecret", secret));
  // It runs with what was derived at the start, whatever the file says now.
  assertThrows(() => refuseReload(before, of("--acl=admin:x:longsecret", secret)), StartError);
});

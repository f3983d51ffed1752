/** The ObjectStore contract through the S3 layer: HttpStore speaking to a server over a MemoryStore, in one process. */

import { createKeyring } from "../../src/auth/keyring.ts";
import { systemClock, systemRandom } from "../../src/clock.ts";
import { type Log, silentLog } from "../../src/log.ts";
import { createServer } from "../../src/server.ts";
import { MemoryStore } from "../../src/storage/memory_store.ts";
import { HTTP_STORE_LACKS, HttpStore } from "./http_store.ts";
import { objectStoreSuite, type StoreFixture } from "./object_store_suite.ts";

const CREDENTIALS = {
  accessKey: "minioadmin",
  secretKey: "minioadmin",
  region: "eu-central-1",
} as const;

objectStoreSuite("HTTP to MemoryStore", () => Promise.resolve(openStore()), {
  lacks: HTTP_STORE_LACKS,
});

function openStore(): StoreFixture {
  const { accessKey, secretKey, region } = CREDENTIALS;
  const faults: unknown[] = [];
  const log: Log = { ...silentLog, fault: (_, cause) => faults.push(cause) };
  const store = new MemoryStore();
  const keyring = createKeyring([{ accessKeyId: accessKey, secretKey, role: "admin" }]);
  const services = {
    store,
    clock: systemClock,
    random: systemRandom,
    keyring,
    region,
    signedRegion: region,
    log,
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createServer({ services, domains: [] }),
  );
  const client = new HttpStore(`http://127.0.0.1:${server.addr.port}`, CREDENTIALS);
  return {
    store: client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server.shutdown();
      if (faults.length > 0) throw new AggregateError(faults, "the server met faults");
    },
  };
}

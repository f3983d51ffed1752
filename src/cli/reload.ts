/** SIGHUP: key pairs, certificate and private key are read anew while the server runs. What is wrong with any keeps all that is in force. */

import type { KeyPair, ReplaceableKeyring } from "../auth/keyring.ts";
import type { Config } from "../config.ts";
import { FLAG_NAMES, type FlagName, isFileFlag } from "../config/flags.ts";
import type { Loaded } from "../config/load.ts";
import { LIMITS } from "../limits.ts";
import type { Log } from "../log.ts";
import type { OpenPort } from "./listen.ts";
import { StartError, systemReason } from "./start_error.ts";
import { readTls, type TlsTexts } from "./tls_files.ts";

export interface ReloadOptions {
  /** In force since the start. */
  readonly loaded: Loaded;
  /** Reads anew what can change. Throws UsageError. */
  readonly load: () => Promise<Loaded>;
  readonly keyring: ReplaceableKeyring;
  readonly port: Pick<OpenPort, "isNewTls" | "renewTls">;
  readonly log: Log;
}

/** Takes in one change at a time. */
export class Reloader {
  readonly #options: ReloadOptions;
  #loaded: Loaded;
  #running: Promise<void> | undefined;
  #isWanted = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#loaded = options.loaded;
  }

  /** Resolves when all is in force, or it is told why nothing changed. Calls that come meanwhile are one more round. Never rejects. */
  request(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => this.#running = undefined);
    return this.#running;
  }

  /** Resolves when there is nothing left to do. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      try {
        await this.#reload();
      } catch (error) {
        this.#options.log.fault("-", `SIGHUP: nothing is changed: ${systemReason(error)}`);
      }
    }
  }

  async #reload(): Promise<void> {
    const { load, keyring, log } = this.#options;
    const before = this.#loaded;
    const next = await load();
    refuseReload(before.config, next.config);
    const tls = next.config.tls === undefined ? undefined : await readTls(next.config.tls);
    keyring.replace(next.config.keyPairs);
    this.#loaded = next;
    log.notice(`SIGHUP: ${describeKeys(before.config.keyPairs, next.config.keyPairs)}`);
    if (tls !== undefined) await this.#renew(tls);
    // Against what is running, not against what an earlier SIGHUP read.
    const ignored = findIgnored(this.#options.loaded, next);
    if (ignored.length > 0) {
      log.notice(`SIGHUP: only a restart takes in what is new of ${ignored.join(", ")}`);
    }
  }

  async #renew(tls: TlsTexts): Promise<void> {
    const { port, log } = this.#options;
    if (!port.isNewTls(tls) || !await port.renewTls(tls)) return;
    log.notice("SIGHUP: the new certificate is in force for new connections");
    const { cluster } = this.#loaded.config;
    if (cluster !== undefined && cluster.tlsCaFile === undefined) {
      log.notice("SIGHUP: nodes without --tls-ca trust the certificate that they started with");
    }
  }
}

/** Throws StartError for what may not change under a server that runs. */
export function refuseReload(before: Config, next: Config): void {
  if (next.usesDefaultKeys && !before.usesDefaultKeys) {
    throw new StartError("no key pair is left but the default one, which only a start takes");
  }
  if (before.cluster === undefined || before.cluster.clusterSecret !== undefined) return;
  const [old, root] = [before, next].map(({ keyPairs }) =>
    keyPairs.find(({ role }) => role === "admin")
  );
  if (old?.accessKeyId === root?.accessKeyId && old?.secretKey === root?.secretKey) return;
  throw new StartError(
    "the cluster's secret is derived from the administrator's key pair, which must stay: " +
      "give all nodes a --cluster-secret to be free of that",
  );
}

/** "3 key pairs in force: added a, changed b, removed c". Ids aren't secret. */
export function describeKeys(before: readonly KeyPair[], next: readonly KeyPair[]): string {
  const findIn = (pairs: readonly KeyPair[], id: string) =>
    pairs.find(({ accessKeyId }) => accessKeyId === id);
  const changes = {
    added: next.filter(({ accessKeyId }) => findIn(before, accessKeyId) === undefined),
    changed: next.filter(({ accessKeyId, secretKey, role }) => {
      const old = findIn(before, accessKeyId);
      return old !== undefined && (old.secretKey !== secretKey || old.role !== role);
    }),
    removed: before.filter(({ accessKeyId }) => findIn(next, accessKeyId) === undefined),
  };
  const told = Object.entries(changes).flatMap(([what, pairs]) =>
    pairs.length === 0 ? [] : [`${what} ${idsOf(pairs)}`]
  );
  const count = `${next.length} key ${next.length === 1 ? "pair" : "pairs"} in force`;
  return `${count}: ${told.length === 0 ? "as before" : told.join(", ")}`;
}

function idsOf(pairs: readonly KeyPair[]): string {
  const ids = pairs.slice(0, LIMITS.reloadedIdsTold).map(({ accessKeyId }) => accessKeyId);
  const more = pairs.length - ids.length;
  return ids.join(" ") + (more === 0 ? "" : ` and ${more} more`);
}

/** The names may come from elsewhere and the files may be others: what counts is what they give. */
const TAKEN_IN: readonly FlagName[] = ["access-key", "secret-key", "acl", "tls-cert", "tls-key"];

/** Flags that were given otherwise than now, and aren't taken in. */
function findIgnored(before: Loaded, next: Loaded): FlagName[] {
  const isTlsSwitched = (before.config.tls === undefined) !== (next.config.tls === undefined);
  return FLAG_NAMES.filter((name) => {
    if (!isFileFlag(name)) return false;
    if (TAKEN_IN.includes(name) && !(isTlsSwitched && name.startsWith("tls-"))) return false;
    return before.settings.find(name)?.text !== next.settings.find(name)?.text;
  });
}

/** Whether there is anything to read anew. The environment and the command line of a process never change. */
export function canReload({ config, settings }: Loaded): boolean {
  return config.tls !== undefined || settings.value("config") !== undefined;
}

/** Disposing gives the signal back to the system. There is none on Windows. */
export function onHangup(listener: () => void): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]: () => {} };
  Deno.addSignalListener("SIGHUP", listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", listener) };
}

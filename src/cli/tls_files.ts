/** Certificate and private key, from their files, proved to belong together before anybody relies on them. */

import type { Config } from "../config.ts";
import { StartError, systemReason } from "./start_error.ts";

export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** Throws StartError for a file that can't be read or holds no such thing, and for two that don't fit. */
export async function readTls(
  { certFile, keyFile }: NonNullable<Config["tls"]>,
): Promise<TlsTexts> {
  const texts = {
    cert: await readPem("certificate", certFile, "CERTIFICATE"),
    key: await readPem("private key", keyFile, "PRIVATE KEY"),
  };
  try {
    // What a port for nobody takes, the port for everybody will.
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...texts }).close();
  } catch (error) {
    const reason = systemReason(error);
    throw new StartError(`the TLS files ${certFile} and ${keyFile} can't be used: ${reason}`, {
      cause: error,
    });
  }
  return texts;
}

async function readPem(what: string, file: string, label: string): Promise<string> {
  const text = await Deno.readTextFile(file).catch((error) => {
    throw new StartError(`the TLS ${what} ${file} can't be read: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (text.includes(`${label}-----`)) return text;
  throw new StartError(`the TLS ${what} ${file} is not a PEM file`);
}

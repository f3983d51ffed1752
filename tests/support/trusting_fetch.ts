/** `fetch` for a running program: plain requests, without keys, trusting its authority. */

import type { Program } from "./program.ts";

export interface TrustingFetch extends Disposable {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Reads the body too. */
  text(url: string, init?: RequestInit): Promise<{ status: number; text: string }>;
}

/** Disposing closes its connections. */
export function openFetch(program: Pick<Program, "authorityFile">): TrustingFetch {
  const caCerts = program.authorityFile === undefined
    ? []
    : [Deno.readTextFileSync(program.authorityFile)];
  const client = Deno.createHttpClient({ caCerts });
  const open = (url: string, init: RequestInit = {}) => fetch(url, { ...init, client });
  return {
    fetch: open,
    text: async (url, init) => {
      const response = await open(url, init);
      return { status: response.status, text: await response.text() };
    },
    [Symbol.dispose]: () => client.close(),
  };
}

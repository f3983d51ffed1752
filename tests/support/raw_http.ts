/** Requests written by hand, for what no client library would send. */

import type { Program } from "./program.ts";

const WAIT_MS_MAX = 10_000;

/**
 * Sends `request` as it is to a program without TLS, and returns what comes back: as soon as that matches `complete`, or when the
 * server closes, or after ten seconds.
 */
export async function exchange(
  program: Pick<Program, "url">,
  request: string,
  complete: RegExp,
): Promise<string> {
  const { hostname, port } = new URL(program.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const timer = setTimeout(() => connection.close(), WAIT_MS_MAX);
  let answer = "";
  try {
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(16_384);
    while (!complete.test(answer)) {
      const count = await connection.read(buffer);
      if (count === null) break;
      answer += new TextDecoder().decode(buffer.subarray(0, count));
    }
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // closed by the timer
  } finally {
    clearTimeout(timer);
  }
  return answer;
}

/** Two connections as one: what comes from either goes into the other, until one of them ends. */

/** Closes both. */
export async function joinConnections(a: Deno.Conn, b: Deno.Conn): Promise<void> {
  // Either side may go away at any time: that is the end of both, not a fault.
  await Promise.allSettled([
    a.readable.pipeTo(b.writable),
    b.readable.pipeTo(a.writable),
  ]);
}

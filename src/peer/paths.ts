/** Where nodes talk to each other. Both are for POST. */

export const HELLO_PATH = "/_zs3/hello";
export const CALL_PATH = "/_zs3/peer";

/** Whether a request's raw path is a `PeerEndpoint`'s to answer. */
export function isPeerPath(rawPath: string): boolean {
  return rawPath === HELLO_PATH || rawPath === CALL_PATH;
}

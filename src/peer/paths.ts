/** Where nodes talk to each other. All are for POST. */

export const HELLO_PATH = "/_zs3/hello";
export const CALL_PATH = "/_zs3/peer";
export const LINK_PATH = "/_zs3/link";

/** Whether a request's raw path is a peer's. */
export function isPeerPath(rawPath: string): boolean {
  return rawPath === HELLO_PATH || rawPath === CALL_PATH || rawPath === LINK_PATH;
}

/** The URLs under which clients reach what they have written. */

import type { IncomingRequest } from "../incoming_request.ts";

/**
 * The address that the request went to, without its query: of an object when the request names one, whether by path or by
 * host.
 */
export function requestUrl(request: IncomingRequest): string {
  return `${request.scheme}://${request.headers.get("host") ?? "localhost"}${request.rawPath}`;
}

/** The address of a key in the bucket that the request went to. */
export function keyUrl(request: IncomingRequest, key: string): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  return `${requestUrl(request).replace(/\/$/, "")}/${path}`;
}

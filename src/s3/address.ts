/** Which bucket and key a request names: by its path (`/bucket/key`), or by its Host under a configured domain (`bucket.domain/key`). */

import { S3Error } from "../errors.ts";
import { type IncomingRequest, percentDecode } from "../incoming_request.ts";
import { checkKey, isOperatorBucketName } from "../storage/names.ts";

export type Address =
  | { readonly kind: "service" }
  | { readonly kind: "bucket"; readonly bucket: string }
  | { readonly kind: "object"; readonly bucket: string; readonly key: string };

// RFC 3986 §3.2: reg-name and IP literals as real hosts have them. A "/" or "?" here would move the path's beginning.
const HOST = /^[A-Za-z0-9._~%!$&'()*+;=:[\]-]*$/;

/**
 * `domains` are lower-case and without port. Throws InvalidURI (percent-encoding), InvalidBucketName, InvalidRequest (Host) and
 * what `checkKey` throws. Keys are decoded once and not normalised.
 */
export function parseAddress(request: IncomingRequest, domains: readonly string[]): Address {
  const hostBucket = findHostBucket(request, domains);
  const path = request.rawPath.slice(1);
  if (hostBucket !== undefined) return address(hostBucket, path);
  if (path === "") return { kind: "service" };
  const slash = path.indexOf("/");
  if (slash === -1) return address(percentDecode(path), "");
  return address(percentDecode(path.slice(0, slash)), path.slice(slash + 1));
}

function address(bucket: string, rawKey: string): Address {
  if (!isOperatorBucketName(bucket)) {
    throw new S3Error("InvalidBucketName", { details: { BucketName: bucket } });
  }
  if (rawKey === "") return { kind: "bucket", bucket };
  const key = percentDecode(rawKey);
  checkKey(key);
  return { kind: "object", bucket, key };
}

/** The part of the Host before a domain; undefined for the domain itself and for any other host. Throws InvalidRequest. */
export function findHostBucket(
  request: IncomingRequest,
  domains: readonly string[],
): string | undefined {
  const host = request.headers.get("host") ?? "";
  if (!HOST.test(host)) {
    throw new S3Error("InvalidRequest", { message: "The Host header is not valid." });
  }
  const name = host.replace(/:\d*$/, "").toLowerCase();
  const domain = domains.find((candidate) => name.endsWith(`.${candidate}`));
  return domain === undefined ? undefined : name.slice(0, -domain.length - 1);
}

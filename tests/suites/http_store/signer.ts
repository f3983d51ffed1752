/**
 * Signature Version 4 in the Authorization header, from AWS's description alone and on purpose not from src/auth: a mistake
 * there must not sign its own requests.
 */

import { createHash, createHmac } from "node:crypto";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface Signable {
  readonly method: string;
  /** As it will stand in the request line, without the query. */
  readonly rawPath: string;
  /** Not encoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Lower-case names; values as latin1 code units, as node:http sends them. All are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Value of x-amz-content-sha256, which must be among the headers too. */
  readonly payloadHash: string;
}

/** The Authorization header. `x-amz-date` must be among the headers, and say `now`. */
export function authorization(request: Signable, credentials: Credentials, now: Date): string {
  const time = amzDate(now);
  const scopes = [time.slice(0, 8), credentials.region, "s3", "aws4_request"];
  const scope = scopes.join("/");
  const names = Object.keys(request.headers).sort();
  const canonical = [
    request.method,
    request.rawPath,
    queryString(request.query),
    ...names.map((name) => `${name}:${request.headers[name]?.trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    request.payloadHash,
  ].join("\n");
  const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hash].join("\n");
  const secret: Uint8Array = new TextEncoder().encode(`AWS4${credentials.secretKey}`);
  const signature = hmac(scopes.reduce(hmac, secret), toSign).toHex();
  return `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
}

/** `20130524T000000Z` */
export function amzDate(now: Date): string {
  return now.toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** The query, whose names are all different, in canonical form: as good a form as any to send. */
export function queryString(query: Signable["query"]): string {
  const sorted = query.toSorted(([a], [b]) => encode(a) < encode(b) ? -1 : 1);
  return sorted.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

/** All but the unreserved characters percent-encoded, byte by byte. */
export function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => "%" + char.charCodeAt(0).toString(16).toUpperCase());
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(text, "latin1").digest());
}

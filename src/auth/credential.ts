/** `X/20130524/us-east-1/s3/aws4_request`: who signs, for which day and region. */

import type { S3Error } from "../errors.ts";

export const ALGORITHM = "AWS4-HMAC-SHA256";

// RFC 9110 §5.6.2, lower case, with semicolons between.
const HEADER_NAMES = /^[a-z0-9!#$%&'*+.^_`|~;-]+$/;

export interface Credential {
  readonly accessKeyId: string;
  /** YYYYMMDD. */
  readonly date: string;
  readonly region: string;
  /** `date/region/s3/aws4_request`. */
  readonly scope: string;
}

/** What the caller of a parser throws for a part that is wrong: header, query and form differ in code and words. */
export type Blame = (reason: string, details?: Readonly<Record<string, string>>) => S3Error;

/** The only region that may be signed for; undefined lets any. */
export type ExpectedRegion = string | undefined;

/** Throws what `blame` makes. An access key id may itself have slashes. */
export function parseCredential(text: string, region: ExpectedRegion, blame: Blame): Credential {
  const parts = text.split("/");
  const [date, signedRegion, service, terminator] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join("/");
  const isWhole = accessKeyId !== "" && date !== undefined && isDate(date) &&
    signedRegion !== undefined && signedRegion !== "";
  if (!isWhole) {
    throw blame(
      `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  }
  if (service !== "s3") {
    throw blame(`incorrect service "${service}". This endpoint belongs to "s3".`);
  }
  if (terminator !== "aws4_request") {
    throw blame(`incorrect terminator "${terminator}". This endpoint uses "aws4_request".`);
  }
  if (region !== undefined && signedRegion !== region) {
    throw blame(`the region '${signedRegion}' is wrong; expecting '${region}'`, { Region: region });
  }
  const scope = `${date}/${signedRegion}/s3/aws4_request`;
  return { accessKeyId, date, region: signedRegion, scope };
}

/** Throws what `blame` makes when the credential is for another day than the signature. */
export function checkDate(credential: Credential, timestamp: string, blame: Blame): void {
  if (timestamp.startsWith(credential.date)) return;
  throw blame(
    `Invalid credential date "${credential.date}". This date is not the same as X-Amz-Date: "${
      timestamp.slice(0, 8)
    }".`,
  );
}

/** `host;x-amz-date` → names. Throws what `blame` makes unless they are lower-case names in strictly ascending order. */
export function parseSignedHeaders(text: string, blame: Blame): readonly string[] {
  const names = text.split(";");
  if (HEADER_NAMES.test(text) && isAscending(names)) return names;
  throw blame("SignedHeaders must be lower-case header names in alphabetical order.");
}

function isAscending(names: readonly string[]): boolean {
  let previous = "";
  for (const name of names) {
    if (name <= previous) return false;
    previous = name;
  }
  return true;
}

function isDate(text: string): boolean {
  return text.length === 8 && /^\d+$/.test(text);
}

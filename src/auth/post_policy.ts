/** The signature and the policy of a browser's POST form: who signed it, and whether the form keeps to it. */

import { isSameText } from "../constant_time.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { signatureV2Error } from "./authorization_header.ts";
import { ALGORITHM, type Blame, checkDate, parseCredential } from "./credential.ts";
import type { Caller } from "./keyring.ts";
import { parsePostPolicy, type PostCondition, type PostPolicy } from "./post_conditions.ts";
import { hmacHex } from "./signature.ts";
import { type AuthWorld, findPair } from "./sigv4.ts";
import { findTimestampMs } from "./timestamp.ts";

/** Form fields before the file: names in lower case. */
export type PostFields = ReadonlyMap<string, string>;

export interface PostAuthentication {
  readonly caller: Caller;
  /** undefined for a form without policy and signature: an anonymous caller. */
  readonly policy: PostPolicy | undefined;
}

/** Bytes that the file may have, both inclusive. */
export interface FileSizeBounds {
  readonly min: number;
  readonly max: number;
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html: the string to sign is the policy field
 * itself. Throws InvalidArgument (a field is missing), InvalidRequest (Signature Version 2), NotImplemented (ECDSA),
 * AuthorizationQueryParametersError (as S3, also for forms), InvalidAccessKeyId, InvalidToken, SignatureDoesNotMatch,
 * InvalidPolicyDocument.
 */
export function authenticatePostPolicy(fields: PostFields, world: AuthWorld): PostAuthentication {
  if (fields.has("awsaccesskeyid") || fields.has("signature")) throw signatureV2Error();
  if (!fields.has("policy") && !fields.has("x-amz-signature")) {
    return { caller: { kind: "anonymous" }, policy: undefined };
  }
  const policy = requireField(fields, "policy");
  const caller = verify(policy, fields, world);
  return { caller, policy: parsePostPolicy(policy) };
}

function verify(policy: string, fields: PostFields, { keyring, region }: AuthWorld): Caller {
  checkAlgorithm(requireField(fields, "x-amz-algorithm"));
  const credentialText = requireField(fields, "x-amz-credential");
  const timestamp = requireField(fields, "x-amz-date");
  const signature = requireField(fields, "x-amz-signature");
  if (findTimestampMs(timestamp) === undefined) {
    throw badField(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  const credential = parseCredential(credentialText, region, badCredential);
  checkDate(credential, timestamp, badCredential);
  const pair = findPair(keyring, credential.accessKeyId);
  if (fields.has("x-amz-security-token")) throw new S3Error("InvalidToken");
  const key = keyring.signingKey(pair, credential.date, credential.region);
  if (!isSameText(hmacHex(key, policy), signature)) {
    throw new S3Error("SignatureDoesNotMatch", {
      details: {
        AWSAccessKeyId: pair.accessKeyId,
        StringToSign: policy,
        SignatureProvided: signature,
      },
    });
  }
  return { kind: "signed", accessKeyId: pair.accessKeyId, role: pair.role };
}

/**
 * Whether the form keeps to its policy. `fields` has also `bucket`, and `key` as it will be. Throws AccessDenied when the policy
 * has expired, a condition isn't met, or a field has no condition. The bounds are for the handler to hold the file to.
 */
export function checkPolicy(policy: PostPolicy, fields: PostFields, nowMs: number): FileSizeBounds {
  if (nowMs >= policy.expiresMs) throw denied("Policy expired.");
  const covered = new Set<string>();
  let bounds: FileSizeBounds = { min: 0, max: LIMITS.putBytesMax };
  for (const condition of policy.conditions) {
    if (condition.kind === "content-length-range") {
      const { min, max } = condition;
      bounds = { min: Math.max(bounds.min, min), max: Math.min(bounds.max, max) };
    } else {
      covered.add(condition.field);
      checkField(condition, fields.get(condition.field));
    }
  }
  checkCovered(fields, covered);
  return bounds;
}

type FieldCondition = Exclude<PostCondition, { kind: "content-length-range" }>;

function checkField(condition: FieldCondition, value: string | undefined): void {
  if (value !== undefined && isMet(condition, value)) return;
  const operand = condition.kind === "eq" ? condition.value : condition.prefix;
  const text = JSON.stringify([condition.kind, `$${condition.field}`, operand]);
  throw denied(`Policy Condition failed: ${text}`);
}

/** Content-Type may be a list, of which every value must begin so. */
function isMet(condition: FieldCondition, value: string): boolean {
  if (condition.kind === "eq") return value === condition.value;
  const values = condition.field === "content-type" ? value.split(",") : [value];
  return values.every((each) => each.trimStart().startsWith(condition.prefix));
}

function checkCovered(fields: PostFields, covered: ReadonlySet<string>): void {
  const extra = [...fields.keys()].filter((name) => !covered.has(name) && !isExempt(name));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(", ")}`);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html */
function isExempt(name: string): boolean {
  return name === "policy" || name === "x-amz-signature" || name === "file" ||
    name.startsWith("x-ignore-");
}

function requireField(fields: PostFields, name: string): string {
  const value = fields.get(name);
  if (value !== undefined && value !== "") return value;
  throw new S3Error("InvalidArgument", {
    message: `Bucket POST must contain a field named '${name}'. If it is specified, please check ` +
      "the order of the fields.",
    details: { ArgumentName: name },
  });
}

function checkAlgorithm(algorithm: string): void {
  if (algorithm === ALGORITHM) return;
  if (algorithm === "AWS4-ECDSA-P256-SHA256") throw new S3Error("NotImplemented");
  throw badField(`X-Amz-Algorithm only supports "${ALGORITHM}".`);
}

function denied(reason: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${reason}` });
}

const badField: Blame = (reason, details = {}) =>
  new S3Error("AuthorizationQueryParametersError", { message: reason, details });

const badCredential: Blame = (reason, details) =>
  badField(`Error parsing the X-Amz-Credential parameter; ${reason}`, details);

/** The `Authorization` header of Signature Version 4: text → SignatureClaim. Verifies nothing. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import {
  ALGORITHM,
  type Blame,
  checkDate,
  type ExpectedRegion,
  parseCredential,
  parseSignedHeaders,
} from "./credential.ts";
import type { SignatureClaim } from "./signature_claim.ts";
import { findTimestampMs, findTimestampOfDate } from "./timestamp.ts";

/**
 * Throws AuthorizationHeaderMalformed; AccessDenied without a date; InvalidRequest without `x-amz-content-sha256` and for
 * Signature Version 2; NotImplemented for ECDSA; InvalidArgument for another kind of authorization.
 */
export function parseAuthorizationHeader(
  authorization: string,
  request: IncomingRequest,
  region: ExpectedRegion,
): SignatureClaim {
  const { credential, signedHeaders, signature } = splitComponents(parametersOf(authorization));
  const timestamp = timestampOf(request);
  const contentSha256 = request.headers.get("x-amz-content-sha256");
  if (contentSha256 === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256",
    });
  }
  const parsed = parseCredential(credential, region, malformed);
  checkDate(parsed, timestamp.text, malformed);
  return {
    form: "header",
    credential: parsed,
    timestamp: timestamp.text,
    timeMs: timestamp.ms,
    expiresSeconds: undefined,
    signedHeaders: parseSignedHeaders(signedHeaders, malformed),
    signature,
    contentSha256,
  };
}

/** What follows the name of the algorithm. */
function parametersOf(authorization: string): string {
  const space = authorization.indexOf(" ");
  const scheme = space === -1 ? authorization : authorization.slice(0, space);
  if (scheme === ALGORITHM) return authorization.slice(scheme.length);
  if (scheme === "AWS4-ECDSA-P256-SHA256") {
    throw new S3Error("NotImplemented", {
      message: `Signature Version 4A (${scheme}) is not implemented. Please use ${ALGORITHM}.`,
    });
  }
  if (scheme === "AWS") throw signatureV2Error();
  throw new S3Error("InvalidArgument", {
    message: "Unsupported Authorization Type",
    details: { ArgumentName: "Authorization" },
  });
}

/** S3's own answer to Signature Version 2, in a region that never had it. */
export function signatureV2Error(): S3Error {
  return new S3Error("InvalidRequest", {
    message: "The authorization mechanism you have provided is not supported. " +
      `Please use ${ALGORITHM} (Signature Version 4).`,
  });
}

interface Components {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

/** `Credential=…, SignedHeaders=…, Signature=…` in any order, each once. */
function splitComponents(parameters: string): Components {
  const values = new Map<string, string>();
  for (const part of parameters.split(",")) {
    const component = part.trim();
    const equals = component.indexOf("=");
    const name = component.slice(0, equals);
    if (equals <= 0 || equals === component.length - 1 || values.has(name)) {
      throw malformed(`the authorization component "${component}" is malformed.`);
    }
    values.set(name, component.slice(equals + 1));
  }
  const credential = values.get("Credential");
  const signedHeaders = values.get("SignedHeaders");
  const signature = values.get("Signature");
  const isWhole = credential !== undefined && signedHeaders !== undefined &&
    signature !== undefined && values.size === 3;
  if (isWhole) return { credential, signedHeaders, signature };
  throw malformed(
    "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
  );
}

function timestampOf(request: IncomingRequest): { readonly text: string; readonly ms: number } {
  const date = request.headers.get("date");
  const text = request.headers.get("x-amz-date") ??
    (date === undefined ? undefined : findTimestampOfDate(date));
  const ms = text === undefined ? undefined : findTimestampMs(text);
  if (text !== undefined && ms !== undefined) return { text, ms };
  throw new S3Error("AccessDenied", {
    message: "AWS authentication requires a valid Date or x-amz-date header",
  });
}

const malformed: Blame = (reason, details = {}) =>
  new S3Error("AuthorizationHeaderMalformed", {
    message: `The authorization header is malformed; ${reason}`,
    details,
  });

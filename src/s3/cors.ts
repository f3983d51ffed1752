/** What a browser is told about cross-origin use: preflights, and the headers on every reply to a request with an Origin. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type { ObjectStore } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import {
  type CorsQuestion,
  type CorsRule,
  findRule,
  OPEN_RULES,
  parseStoredRules,
} from "./cors_rules.ts";
import type { Operation } from "./operation.ts";
import { Reply, type ReplyHeaders } from "./reply.ts";

const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/** What the reply to a request with an Origin has to say; `rule` undefined: nothing, the browser then refuses. */
export interface CorsAnswer {
  readonly origin: string;
  readonly rule: CorsRule | undefined;
}

/** The answer for a request that isn't a preflight; undefined without an Origin. */
export async function findCorsAnswer(
  request: IncomingRequest,
  operation: Operation,
  store: ObjectStore,
): Promise<CorsAnswer | undefined> {
  const origin = request.headers.get("origin");
  if (origin === undefined || request.method === "OPTIONS") return undefined;
  const rules = await rulesOf(operation, store);
  return { origin, rule: findRule(rules, { origin, method: request.method, headers: [] }) };
}

/** Adds the headers to a reply. */
export function addCorsHeaders(headers: ReplyHeaders, { origin, rule }: CorsAnswer): void {
  headers.vary = headers.vary === undefined ? VARY : `${headers.vary}, ${VARY}`;
  if (rule === undefined) return;
  const exposed = rule.exposed.includes("*") ? Object.keys(headers).sort() : rule.exposed;
  setAllowed(headers, origin, rule);
  if (exposed.length > 0) headers["access-control-expose-headers"] = exposed.join(", ");
}

/**
 * OPTIONS on anything, unsigned as browsers send it. Throws InvalidRequest without Origin and method, AccessDenied when no rule
 * allows it. A bucket that isn't there answers as one without rules: the request that follows will tell.
 */
export const preflight: Handler = async ({ operation, request, services }) => {
  const question = readQuestion(request);
  const rule = findRule(await rulesOf(operation, services.store), question);
  if (rule === undefined) {
    throw new S3Error("AccessDenied", {
      message: "CORSResponse: This CORS request is not allowed. Check the bucket's CORS rules.",
      headers: { vary: VARY },
    });
  }
  return new Reply(null, { headers: preflightHeaders(question, rule) });
};

function preflightHeaders(question: CorsQuestion, rule: CorsRule): ReplyHeaders {
  const headers: ReplyHeaders = { vary: VARY };
  setAllowed(headers, question.origin, rule);
  if (question.headers.length > 0) {
    headers["access-control-allow-headers"] = question.headers.join(", ");
  }
  if (rule.maxAgeSeconds !== undefined) {
    headers["access-control-max-age"] = String(rule.maxAgeSeconds);
  }
  return headers;
}

/** A rule for any origin says so and lets no cookies through; one for named origins names the one that asked, as S3 does. */
function setAllowed(headers: ReplyHeaders, origin: string, rule: CorsRule): void {
  const isForAll = rule.origins.includes("*");
  headers["access-control-allow-origin"] = isForAll ? "*" : origin;
  headers["access-control-allow-methods"] = rule.methods.join(", ");
  if (!isForAll) headers["access-control-allow-credentials"] = "true";
}

function readQuestion(request: IncomingRequest): CorsQuestion {
  const origin = request.headers.get("origin");
  const method = request.headers.get("access-control-request-method");
  if (origin === undefined || method === undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "Insufficient information. Origin and Access-Control-Request-Method headers are needed.",
    });
  }
  const names = request.headers.get("access-control-request-headers") ?? "";
  const headers = names.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return { origin, method, headers };
}

async function rulesOf(operation: Operation, store: ObjectStore): Promise<readonly CorsRule[]> {
  if (operation.kind === "service") return OPEN_RULES;
  const stored = (await store.findBucket(operation.bucket))?.cors;
  return stored === undefined ? OPEN_RULES : parseStoredRules(stored);
}

/** What a request asks for: method, address, query and a few headers → Operation. No router: three tables. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { parseAddress } from "./address.ts";
import type { ObjectOperationName, Operation, OperationName } from "./operation.ts";
import { checkParameters } from "./parameters.ts";
import {
  BUCKET_OPERATIONS,
  type Method,
  type Methods,
  OBJECT_OPERATIONS,
  type OperationTable,
  SERVICE_OPERATIONS,
} from "./sub_resources.ts";

const NO_SUB_RESOURCE = "";

/**
 * Throws NotImplemented for S3's other operations and for parameters that may name one, MethodNotAllowed (with Allow) for
 * a method that the resource hasn't, InvalidArgument for contradictory parameters, and what `parseAddress` throws.
 */
export function recognise(request: IncomingRequest, domains: readonly string[]): Operation {
  const address = parseAddress(request, domains);
  switch (address.kind) {
    case "service":
      return { ...address, name: chooseOperation(request, SERVICE_OPERATIONS) };
    case "bucket":
      return { ...address, name: chooseOperation(request, BUCKET_OPERATIONS) };
    case "object":
      return { ...address, name: asCopy(request, chooseOperation(request, OBJECT_OPERATIONS)) };
  }
}

function chooseOperation<Name extends OperationName>(
  request: IncomingRequest,
  table: OperationTable<Name>,
): Name {
  const isPreflight = request.method === "OPTIONS";
  const subResource = isPreflight ? NO_SUB_RESOURCE : findSubResource(request, table);
  const methods = table[subResource] ?? {};
  const operation = Object.hasOwn(methods, request.method)
    ? methods[request.method as Method]
    : undefined;
  if (operation === undefined) throw methodNotAllowed(request.method, methods);
  if (typeof operation === "object") throw notImplemented(operation.unsupported);
  if (!isPreflight) checkParameters(request.query, operation, subResource, isRead(request));
  checkListType(request, subResource);
  return operation;
}

/** The one parameter that is a sub-resource of this kind of resource. Throws InvalidArgument when there are two. */
function findSubResource(request: IncomingRequest, table: OperationTable<string>): string {
  const found = new Set<string>();
  for (const { name } of request.query) {
    if (name !== NO_SUB_RESOURCE && Object.hasOwn(table, name)) found.add(name);
  }
  if (found.size > 1) {
    throw new S3Error("InvalidArgument", {
      message: `Conflicting query string parameters: ${[...found].join(", ")}`,
      details: { ResourceType: [...found].join(", ") },
    });
  }
  const [subResource = NO_SUB_RESOURCE] = found;
  return subResource;
}

/** A header is what makes a write a copy. */
function asCopy(request: IncomingRequest, name: ObjectOperationName): ObjectOperationName {
  if (!request.headers.has("x-amz-copy-source")) return name;
  if (name === "PutObject") return "CopyObject";
  return name === "UploadPart" ? "UploadPartCopy" : name;
}

function isRead(request: IncomingRequest): boolean {
  return request.method === "GET" || request.method === "HEAD";
}

function checkListType(request: IncomingRequest, subResource: string): void {
  if (subResource !== "list-type" || findQuery(request, subResource) === "2") return;
  throw new S3Error("InvalidArgument", {
    message: "The only list-type is 2.",
    details: { ArgumentName: "list-type" },
  });
}

function methodNotAllowed(method: string, methods: Methods<string>): S3Error {
  return new S3Error("MethodNotAllowed", {
    details: { Method: method },
    headers: { allow: Object.keys(methods).join(", ") },
  });
}

function notImplemented(operation: string): S3Error {
  return new S3Error("NotImplemented", {
    message: `The operation ${operation} is not implemented.`,
    details: { Operation: operation },
  });
}

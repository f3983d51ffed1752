/** Versions are not kept: every object is its own version "null", and that is the only one a request may name. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";

const NULL_VERSION = "null";

/** Throws NoSuchVersion when the request names another version than "null", InvalidArgument when it names none at all. */
export function requireNullVersion(request: IncomingRequest): void {
  checkVersionId(findQuery(request, "versionId"));
}

/** The same for a version id found elsewhere. */
export function checkVersionId(versionId: string | undefined): void {
  if (versionId === undefined || versionId === NULL_VERSION) return;
  if (versionId === "") {
    throw new S3Error("InvalidArgument", { message: "Version id cannot be the empty string" });
  }
  throw new S3Error("NoSuchVersion", { details: { VersionId: versionId } });
}

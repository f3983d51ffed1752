/** Who may do what: the caller's role, the bucket's owner, and what was made public. */

import type { Caller, Role } from "../auth/keyring.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type { BucketInfo, ObjectStore, Target } from "../storage/object_store.ts";
import type { Operation, OperationName } from "./operation.ts";

/**
 * What an operation needs. `list` and `read` are what public-read grants; `inspect` shows settings and tags; `own` changes the
 * bucket itself. `open` needs nothing here: a preflight carries no credentials, and a POST form is signed inside its body.
 */
type Need = "open" | "signed" | "create" | BucketNeed;
type BucketNeed = "list" | "read" | "inspect" | "write" | "own";

const NEEDS = {
  ListBuckets: "signed",
  PreflightService: "open",
  CreateBucket: "create",
  HeadBucket: "list",
  DeleteBucket: "own",
  GetBucketLocation: "list",
  GetBucketVersioning: "inspect",
  GetBucketAcl: "inspect",
  PutBucketAcl: "own",
  GetBucketCors: "inspect",
  PutBucketCors: "own",
  DeleteBucketCors: "own",
  GetBucketTagging: "inspect",
  PutBucketTagging: "own",
  DeleteBucketTagging: "own",
  ListObjects: "list",
  ListObjectsV2: "list",
  ListObjectVersions: "list",
  ListMultipartUploads: "list",
  DeleteObjects: "write",
  PostObject: "open",
  PreflightBucket: "open",
  PutObject: "write",
  GetObject: "read",
  HeadObject: "read",
  DeleteObject: "write",
  CopyObject: "write",
  GetObjectAttributes: "read",
  GetObjectAcl: "inspect",
  PutObjectAcl: "write",
  GetObjectTagging: "inspect",
  PutObjectTagging: "write",
  DeleteObjectTagging: "write",
  CreateMultipartUpload: "write",
  UploadPart: "write",
  UploadPartCopy: "write",
  CompleteMultipartUpload: "write",
  AbortMultipartUpload: "write",
  ListParts: "inspect",
  PreflightObject: "open",
} as const satisfies Record<OperationName, Need>;

/** In any bucket. A user has nothing by role: only what it owns, and what is public. */
const GRANTED = {
  admin: ["create", "list", "read", "inspect", "write", "own"],
  writer: ["list", "read", "inspect", "write"],
  reader: ["list", "read", "inspect"],
  user: ["create"],
} as const satisfies Record<Role, readonly Need[]>;

/**
 * Throws AccessDenied, or NoSuchBucket where the answer depends on a bucket that isn't there. The source of a copy and the
 * form of a POST are their handlers' to authorize, with `authorizeRead` and `authorizeWrite`.
 */
export async function authorize(
  operation: Operation,
  caller: Caller,
  request: IncomingRequest,
  store: ObjectStore,
): Promise<void> {
  const need = NEEDS[operation.name];
  if (need === "open") return;
  if (need === "signed" || need === "create") {
    const isGranted = need === "signed" ? caller.kind === "signed" : grantsByRole(caller, need);
    if (!isGranted) throw accessDenied();
    return;
  }
  if (operation.kind === "service") throw accessDenied(); // Nothing of the service needs a bucket's right.
  refuseOverrides(caller, request);
  await authorizeBucketNeed(caller, need, operation, store);
}

/**
 * Throws AccessDenied unless the caller may read the object. A missing key is AccessDenied too for a caller who may not list
 * the bucket, as in S3; for others it passes, and reading it throws NoSuchKey.
 */
export function authorizeRead(caller: Caller, target: Target, store: ObjectStore): Promise<void> {
  return authorizeBucketNeed(caller, "read", target, store);
}

/** Throws AccessDenied unless the caller may write objects in the bucket. */
export function authorizeWrite(caller: Caller, bucket: string, store: ObjectStore): Promise<void> {
  return authorizeBucketNeed(caller, "write", { bucket }, store);
}

/** Whether ListBuckets shows the bucket: all to those with a role over all, their own to users. */
export function isListed(bucket: BucketInfo, caller: Caller): boolean {
  return grantsByRole(caller, "list") || isOwner(caller, bucket);
}

/** The bucket is only looked up for callers whose role doesn't settle it. */
async function authorizeBucketNeed(
  caller: Caller,
  need: BucketNeed,
  target: { readonly bucket: string; readonly key?: string },
  store: ObjectStore,
): Promise<void> {
  if (grantsByRole(caller, need)) return;
  const bucket = await store.findBucket(target.bucket);
  if (bucket === undefined) throw new S3Error("NoSuchBucket");
  if (isOwner(caller, bucket)) return;
  if (bucket.acl === "public-read" && (need === "list" || need === "read")) return;
  const { key } = target;
  if (need === "read" && key !== undefined) {
    if (await isPublicObject(store, { bucket: bucket.name, key })) return;
  }
  throw accessDenied();
}

function grantsByRole(caller: Caller, need: Need): boolean {
  if (caller.kind === "anonymous") return false;
  const granted: readonly Need[] = GRANTED[caller.role];
  return granted.includes(need);
}

function isOwner(caller: Caller, bucket: BucketInfo): boolean {
  return caller.kind === "signed" && caller.role === "user" && bucket.owner === caller.accessKeyId;
}

async function isPublicObject(store: ObjectStore, target: Target): Promise<boolean> {
  try {
    return (await store.head(target)).meta.acl === "public-read";
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return false;
    throw error;
  }
}

/** What a response says of itself is the owner's to change: only a signature covers it. */
function refuseOverrides(caller: Caller, request: IncomingRequest): void {
  if (caller.kind === "signed") return;
  if (!request.query.some(({ name }) => name.startsWith("response-"))) return;
  throw new S3Error("InvalidRequest", {
    message: "Request specific response headers cannot be used for anonymous GET requests.",
  });
}

function accessDenied(): S3Error {
  return new S3Error("AccessDenied");
}

/** CreateBucket: a bucket belongs to the key pair that creates it. */

import { readSmallBody } from "../auth/payload.ts";
import type { Payload } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { isBucketName } from "../storage/names.ts";
import type { CannedAcl, ObjectStore } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { parseCannedAcl } from "./canned_acl.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { BucketOperation } from "./operation.ts";
import { accessKeyIdOf } from "./owner.ts";
import { Reply } from "./reply.ts";
import { allowChildren, findChild, findText, parseXml } from "./xml_reader.ts";

const LOCK_HEADER = "x-amz-bucket-object-lock-enabled";

/** Where S3 began: its only region in which creating one's own bucket again is a success. */
const LENIENT_REGION = "us-east-1";
const REGION = /^[A-Za-z0-9-]{1,63}$/;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export const createBucket: Handler<BucketOperation> = async (call) => {
  const { operation: { bucket }, request, caller, payload, services } = call;
  refuseUnsupported(request.headers);
  if (request.headers.get(LOCK_HEADER)?.toLowerCase() === "true") {
    throw notImplemented("Object lock");
  }
  const acl = parseCannedAcl(request.headers.get("x-amz-acl")) ?? "private";
  await checkConfiguration(payload);
  const owner = accessKeyIdOf(caller);
  await createOrKeep(services.store, bucket, { owner, acl }, services.region);
  return new Reply(null, { headers: { location: `/${bucket}` } });
};

async function createOrKeep(
  store: ObjectStore,
  bucket: string,
  init: { readonly owner: string | undefined; readonly acl: CannedAcl },
  region: string,
): Promise<void> {
  const existing = await store.findBucket(bucket);
  if (existing === undefined) {
    if (!isBucketName(bucket)) {
      throw new S3Error("InvalidBucketName", { details: { BucketName: bucket } });
    }
    if ((await store.listBuckets()).length >= LIMITS.bucketsMax) {
      throw new S3Error("TooManyBuckets");
    }
    // Throws BucketAlreadyExists when somebody else was faster.
    await store.createBucket(bucket, init);
    return;
  }
  const details = { BucketName: bucket };
  if (existing.owner !== init.owner) throw new S3Error("BucketAlreadyExists", { details });
  if (region !== LENIENT_REGION) throw new S3Error("BucketAlreadyOwnedByYou", { details });
}

/**
 * The region asked for is checked for its form only: there is one place to put a bucket, and clients configured for another
 * region than the server's are served all the same. What is told afterwards is where the bucket really is.
 */
async function checkConfiguration(payload: Payload): Promise<void> {
  if (!payload.present) return;
  const bytes = await readSmallBody(payload, LIMITS.xmlBytesMax);
  if (bytes.length === 0) return;
  const root = parseXml(bytes, "CreateBucketConfiguration");
  allowChildren(root, ["LocationConstraint", "Location", "Bucket", "Tags"]);
  const unsupported = ["Location", "Bucket", "Tags"].find((name) => findChild(root, name));
  if (unsupported !== undefined) throw notImplemented(`${unsupported} of a new bucket`);
  const region = findText(root, "LocationConstraint");
  if (region === undefined || region === "" || REGION.test(region)) return;
  throw new S3Error("InvalidLocationConstraint", { details: { LocationConstraint: region } });
}

function notImplemented(what: string): S3Error {
  return new S3Error("NotImplemented", { message: `${what} is not implemented.` });
}

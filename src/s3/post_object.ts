/** PostObject: a browser's upload by HTML form. The signature is in the form, and so is all else. */

import { authenticatePostPolicy, checkPolicy, type FileSizeBounds } from "../auth/post_policy.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { Body, ObjectInfo, PutRequest } from "../storage/object_store.ts";
import { authorizeWrite } from "./authorize.ts";
import type { Call, Handler } from "./call.ts";
import { DEFAULT_ALGORITHM } from "./checksum_headers.ts";
import { computeChecksum, limitBody } from "./incoming_body.ts";
import { keyUrl } from "./location.ts";
import { openForm } from "./multipart_form.ts";
import { checksumHeaders, quote } from "./object_headers.ts";
import type { BucketOperation } from "./operation.ts";
import { expandFilename, type PostOrder, type PostSuccess, readPostOrder } from "./post_fields.ts";
import { Reply, type ReplyHeaders } from "./reply.ts";
import { leaf, xmlDocument } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html */
export const postObject: Handler<BucketOperation> = async (call) => {
  const { operation, request, payload, services } = call;
  if (!payload.present) throw new S3Error("MissingContentLength");
  await using form = await openForm(request.headers.get("content-type") ?? "", payload.body);
  const fields = expandFilename(form);
  const bounds = await admit(call, fields);
  const order = readPostOrder(fields);
  const info = await services.store.put({
    bucket: operation.bucket,
    key: order.key,
    ...receive(form.file.body, order, bounds),
  });
  return answer(order.success, request, info);
};

/** The sizes that the file may have. Throws what the signature and the policy throw, and AccessDenied. */
async function admit(
  call: Call<BucketOperation>,
  fields: ReadonlyMap<string, string>,
): Promise<FileSizeBounds> {
  const { operation: { bucket }, services: { store, keyring, clock, signedRegion } } = call;
  const world = { keyring, clock, region: signedRegion };
  const { caller, policy } = authenticatePostPolicy(fields, world);
  await authorizeWrite(caller, bucket, store);
  // Without a policy the caller is anonymous, and nothing is writable for those.
  if (policy === undefined) throw new S3Error("AccessDenied");
  return checkPolicy(policy, new Map([...fields, ["bucket", bucket]]), clock.now());
}

function receive(
  file: Body,
  order: PostOrder,
  bounds: FileSizeBounds,
): Pick<PutRequest, "body" | "seal"> {
  const bytesMax = Math.min(bounds.max, LIMITS.putBytesMax);
  const algorithm = order.checksum?.algorithm ?? DEFAULT_ALGORITHM;
  const { body, checksum } = computeChecksum(limitBody(file, bytesMax), algorithm);
  return {
    body,
    seal: ({ md5, size }) => {
      const actual = checksum();
      if (size < bounds.min) throw tooSmall(bounds.min);
      if (order.md5 !== undefined && order.md5 !== md5) throw new S3Error("BadDigest");
      if (order.checksum !== undefined && order.checksum.value !== actual.value) {
        throw new S3Error("BadDigest");
      }
      return { ...order.meta, checksum: { ...actual, type: "FULL_OBJECT" } };
    },
  };
}

function answer(success: PostSuccess, request: IncomingRequest, info: ObjectInfo): Reply {
  const etag = quote(info.etag);
  const location = keyUrl(request, info.key);
  if (success.kind === "redirect") {
    const url = redirectUrl(success.url, info);
    return new Reply(null, { status: 303, headers: { location: url, etag } });
  }
  const headers: ReplyHeaders = { location, etag, ...checksumHeaders(info.meta.checksum) };
  if (success.status !== 201) return new Reply(null, { status: success.status, headers });
  const document = xmlDocument("PostResponse", [
    leaf("Location", location),
    leaf("Bucket", info.bucket),
    leaf("Key", info.key),
    leaf("ETag", etag),
  ]);
  headers["content-type"] = "application/xml";
  return new Reply(document, { status: 201, headers });
}

/** The form's own URL with what was made, as S3 adds it. */
function redirectUrl(url: string, info: ObjectInfo): string {
  const redirect = new URL(url);
  redirect.searchParams.append("bucket", info.bucket);
  redirect.searchParams.append("key", info.key);
  redirect.searchParams.append("etag", quote(info.etag));
  return redirect.href;
}

function tooSmall(bytesMin: number): S3Error {
  return new S3Error("EntityTooSmall", {
    message: "Your proposed upload is smaller than the minimum allowed size.",
    details: { MinSizeAllowed: String(bytesMin) },
  });
}

/** CopyObject: a new version at one key with the bytes of another, or of itself, and with metadata of its choice. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type {
  ChecksumAlgorithm,
  CopyPlan,
  ObjectInfo,
  ObjectMeta,
  Target,
} from "../storage/object_store.ts";
import { authorizeRead } from "./authorize.ts";
import type { Call, Handler } from "./call.ts";
import { findChecksumAlgorithm } from "./checksum_headers.ts";
import { checksumLeaves } from "./checksum_xml.ts";
import { checkCopySourceConditions, findWriteCondition } from "./conditions.ts";
import { checkCopySize, requireCopySource } from "./copy_source.ts";
import { refuseUnappliedHeaders } from "./early_condition.ts";
import { formatXmlDate } from "./http_date.ts";
import { quote } from "./object_headers.ts";
import { readObjectMeta, REDIRECT_HEADER } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { slowXmlReply } from "./slow_reply.ts";
import { leaf, optionalLeaf, type Xml, xmlDocument } from "./xml.ts";

type Headers = ReadonlyMap<string, string>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: Handler<ObjectOperation> = async (call) => {
  const { request, caller, services: { store, log } } = call;
  refuseUnappliedHeaders(store, request.headers);
  const source = requireCopySource(request);
  const order = readOrder(call);
  if (isSame(source, call.operation)) refuseIdleCopy(request.headers, order);
  await authorizeRead(caller, source, store);
  return slowXmlReply(copy(call, source, order), request, log);
};

/** What the request's headers say of the copy. */
interface CopyOrder {
  readonly meta: Omit<ObjectMeta, "checksum">;
  readonly isMetadataReplaced: boolean;
  readonly areTagsReplaced: boolean;
  readonly checksum: ChecksumAlgorithm | undefined;
}

function readOrder({ request: { headers }, payload }: Call<ObjectOperation>): CopyOrder {
  return {
    meta: readObjectMeta(headers, payload.contentEncoding),
    isMetadataReplaced: isReplaced(headers, "x-amz-metadata-directive"),
    areTagsReplaced: isReplaced(headers, "x-amz-tagging-directive"),
    checksum: findChecksumAlgorithm(headers),
  };
}

async function copy(call: Call<ObjectOperation>, source: Target, order: CopyOrder): Promise<Xml> {
  const { operation: { bucket, key }, request: { headers }, services: { store } } = call;
  const condition = findWriteCondition(headers);
  const info = await store.copy({
    from: source,
    to: { bucket, key },
    plan: (sourceInfo) => {
      checkCopySourceConditions(headers, sourceInfo);
      checkCopySize(sourceInfo.size, LIMITS.putBytesMax);
      return planCopy(sourceInfo, order);
    },
    ...(condition !== undefined && { condition }),
  });
  const { checksum } = info.meta;
  return xmlDocument("CopyObjectResult", [
    leaf("LastModified", formatXmlDate(info.modifiedMs)),
    leaf("ETag", quote(info.etag)),
    ...checksumLeaves(checksum),
    optionalLeaf("ChecksumType", checksum?.type),
  ]);
}

function planCopy({ meta: source }: ObjectInfo, order: CopyOrder): CopyPlan {
  const { meta } = order;
  const carried = order.isMetadataReplaced ? meta : {
    headers: withRedirect(source.headers, meta.headers[REDIRECT_HEADER]),
    user: source.user,
  };
  return {
    meta: {
      headers: carried.headers,
      user: carried.user,
      tags: order.areTagsReplaced ? meta.tags : source.tags,
      acl: meta.acl,
    },
    checksum: order.checksum ?? "keep",
  };
}

/** The redirect is of one key alone, as the ACL is: a copy has the one that it is given, or none. */
function withRedirect(
  headers: ObjectMeta["headers"],
  redirect: string | undefined,
): ObjectMeta["headers"] {
  const { [REDIRECT_HEADER]: _, ...others } = headers;
  return redirect === undefined ? others : { ...others, [REDIRECT_HEADER]: redirect };
}

function isReplaced(headers: Headers, name: string): boolean {
  const directive = headers.get(name) ?? "COPY";
  if (directive === "REPLACE") return true;
  if (directive === "COPY") return false;
  throw new S3Error("InvalidArgument", {
    message: `The ${name} must be COPY or REPLACE.`,
    details: { ArgumentName: name, ArgumentValue: directive },
  });
}

function isSame(a: Target, b: Target): boolean {
  return a.bucket === b.bucket && a.key === b.key;
}

/** S3 takes a copy onto itself that changes nothing for a mistake. */
function refuseIdleCopy(headers: Headers, order: CopyOrder): void {
  const changesSomething = order.isMetadataReplaced || order.areTagsReplaced ||
    order.checksum !== undefined || headers.has(REDIRECT_HEADER) ||
    headers.has("x-amz-storage-class");
  if (changesSomething) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}

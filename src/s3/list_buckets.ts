/** ListBuckets: the buckets that the caller may see, page by page. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { BucketInfo } from "../storage/object_store.ts";
import { isListed } from "./authorize.ts";
import type { Handler } from "./call.ts";
import { parseCount } from "./count_parameter.ts";
import { formatXmlDate } from "./http_date.ts";
import { formatToken, parseToken } from "./list_token.ts";
import type { ServiceOperation } from "./operation.ts";
import { accessKeyIdOf, ownerElement } from "./owner.ts";
import { group, leaf, optionalLeaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export const listBuckets: Handler<ServiceOperation> = async ({ request, caller, services }) => {
  const { store, region } = services;
  const prefix = findQuery(request, "prefix");
  const limit = parseMaxBuckets(request);
  const after = parseAfter(request);
  const wantedRegion = findQuery(request, "bucket-region") ?? region;
  const found = (await store.listBuckets()).filter((bucket) =>
    wantedRegion === region && isListed(bucket, caller) &&
    bucket.name.startsWith(prefix ?? "") && bucket.name > after
  );
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return xmlReply(xmlDocument("ListAllMyBucketsResult", [
    ownerElement("Owner", accessKeyIdOf(caller)),
    group("Buckets", page.map((bucket) => bucketElement(bucket, region))),
    optionalLeaf("Prefix", prefix),
    optionalLeaf(
      "ContinuationToken",
      last && formatToken({ kind: "key", key: last.name }),
    ),
  ]));
};

function bucketElement(bucket: BucketInfo, region: string): Xml {
  return group("Bucket", [
    leaf("Name", bucket.name),
    leaf("CreationDate", formatXmlDate(bucket.createdMs)),
    leaf("BucketRegion", region),
  ]);
}

function parseMaxBuckets(request: IncomingRequest): number {
  const text = findQuery(request, "max-buckets");
  const limit = parseCount("max-buckets", text, LIMITS.bucketsMax);
  if (limit >= 1 && limit <= LIMITS.bucketsMax) return limit;
  throw new S3Error("InvalidArgument", {
    message: `max-buckets must be between 1 and ${LIMITS.bucketsMax}.`,
    details: { ArgumentName: "max-buckets", ArgumentValue: String(limit) },
  });
}

/** The name that the page begins behind; "" for the first page. */
function parseAfter(request: IncomingRequest): string {
  const token = findQuery(request, "continuation-token");
  if (token === undefined || token === "") return "";
  const position = parseToken(token);
  return position.kind === "key" ? position.key : "";
}

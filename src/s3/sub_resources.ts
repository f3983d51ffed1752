/**
 * The table of S3's API: sub-resource (a query parameter that changes what a request is about) and method → operation.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html, plus what other
 * servers added and their clients send. An operation that isn't implemented is listed so that it is never taken for another.
 */

import type {
  BucketOperationName,
  ObjectOperationName,
  ServiceOperationName,
} from "./operation.ts";

export type Method = "GET" | "HEAD" | "PUT" | "POST" | "DELETE" | "OPTIONS";

/** An operation that S3 has and zs3 doesn't. */
export interface Unsupported {
  readonly unsupported: string;
}

export type Methods<Name extends string> = Readonly<Partial<Record<Method, Name | Unsupported>>>;

/** By sub-resource; "" is the plain resource. */
export type OperationTable<Name extends string> = Readonly<Record<string, Methods<Name>>>;

export const SERVICE_OPERATIONS: OperationTable<ServiceOperationName> = {
  "": { GET: "ListBuckets", OPTIONS: "PreflightService" },
  "Action": unsupported({ GET: "Action", POST: "Action" }),
  "events": unsupported({ GET: "ListenNotification" }),
};

export const BUCKET_OPERATIONS: OperationTable<BucketOperationName> = {
  "": {
    GET: "ListObjects",
    HEAD: "HeadBucket",
    PUT: "CreateBucket",
    DELETE: "DeleteBucket",
    POST: "PostObject",
    OPTIONS: "PreflightBucket",
  },
  "abac": unsupported({ GET: "GetBucketAbac", PUT: "PutBucketAbac" }),
  "accelerate": unsupported({
    GET: "GetBucketAccelerateConfiguration",
    PUT: "PutBucketAccelerateConfiguration",
  }),
  "acl": { GET: "GetBucketAcl", PUT: "PutBucketAcl" },
  "analytics": configuration("BucketAnalyticsConfiguration"),
  "cors": { GET: "GetBucketCors", PUT: "PutBucketCors", DELETE: "DeleteBucketCors" },
  "delete": { POST: "DeleteObjects" },
  "encryption": configuration("BucketEncryption"),
  "events": unsupported({ GET: "ListenBucketNotification" }),
  "intelligent-tiering": configuration("BucketIntelligentTieringConfiguration"),
  "inventory": configuration("BucketInventoryConfiguration"),
  "lifecycle": unsupported({
    GET: "GetBucketLifecycleConfiguration",
    PUT: "PutBucketLifecycleConfiguration",
    DELETE: "DeleteBucketLifecycle",
  }),
  "list-type": { GET: "ListObjectsV2" },
  "location": { GET: "GetBucketLocation" },
  "logging": unsupported({ GET: "GetBucketLogging", PUT: "PutBucketLogging" }),
  "metadataConfiguration": unsupported({
    POST: "CreateBucketMetadataConfiguration",
    GET: "GetBucketMetadataConfiguration",
    DELETE: "DeleteBucketMetadataConfiguration",
  }),
  "metadataInventoryTable": unsupported({
    PUT: "UpdateBucketMetadataInventoryTableConfiguration",
  }),
  "metadataJournalTable": unsupported({ PUT: "UpdateBucketMetadataJournalTableConfiguration" }),
  "metadataTable": unsupported({
    POST: "CreateBucketMetadataTableConfiguration",
    GET: "GetBucketMetadataTableConfiguration",
    DELETE: "DeleteBucketMetadataTableConfiguration",
  }),
  "metrics": configuration("BucketMetricsConfiguration"),
  "notification": unsupported({
    GET: "GetBucketNotificationConfiguration",
    PUT: "PutBucketNotificationConfiguration",
  }),
  "object-lock": unsupported({
    GET: "GetObjectLockConfiguration",
    PUT: "PutObjectLockConfiguration",
  }),
  "ownershipControls": configuration("BucketOwnershipControls"),
  "policy": configuration("BucketPolicy"),
  "policyStatus": unsupported({ GET: "GetBucketPolicyStatus" }),
  "publicAccessBlock": configuration("PublicAccessBlock"),
  "replication": configuration("BucketReplication"),
  "replication-metrics": unsupported({ GET: "GetBucketReplicationMetrics" }),
  "replication-reset": unsupported({ PUT: "ResetBucketReplicationStart" }),
  "requestPayment": unsupported({
    GET: "GetBucketRequestPayment",
    PUT: "PutBucketRequestPayment",
  }),
  "session": unsupported({ GET: "CreateSession" }),
  "tagging": {
    GET: "GetBucketTagging",
    PUT: "PutBucketTagging",
    DELETE: "DeleteBucketTagging",
  },
  "uploads": { GET: "ListMultipartUploads" },
  "versioning": {
    GET: "GetBucketVersioning",
    ...unsupported({ PUT: "PutBucketVersioning" }),
  },
  "versions": { GET: "ListObjectVersions" },
  "website": configuration("BucketWebsite"),
};

export const OBJECT_OPERATIONS: OperationTable<ObjectOperationName> = {
  "": {
    GET: "GetObject",
    HEAD: "HeadObject",
    PUT: "PutObject",
    DELETE: "DeleteObject",
    OPTIONS: "PreflightObject",
  },
  "acl": { GET: "GetObjectAcl", PUT: "PutObjectAcl" },
  "append": unsupported({ POST: "AppendObject", PUT: "AppendObject" }),
  "attributes": { GET: "GetObjectAttributes" },
  "encryption": unsupported({ PUT: "UpdateObjectEncryption" }),
  "lambdaArn": unsupported({ GET: "GetObject through Object Lambda" }),
  "legal-hold": unsupported({ GET: "GetObjectLegalHold", PUT: "PutObjectLegalHold" }),
  "renameObject": unsupported({ PUT: "RenameObject" }),
  "restore": unsupported({ POST: "RestoreObject" }),
  "retention": unsupported({ GET: "GetObjectRetention", PUT: "PutObjectRetention" }),
  "select": unsupported({ POST: "SelectObjectContent" }),
  "tagging": {
    GET: "GetObjectTagging",
    PUT: "PutObjectTagging",
    DELETE: "DeleteObjectTagging",
  },
  "torrent": unsupported({ GET: "GetObjectTorrent" }),
  "uploadId": {
    GET: "ListParts",
    PUT: "UploadPart",
    POST: "CompleteMultipartUpload",
    DELETE: "AbortMultipartUpload",
  },
  "uploads": { POST: "CreateMultipartUpload" },
};

/** Every name that some resource of S3 has as a sub-resource. */
export const SUB_RESOURCES: ReadonlySet<string> = new Set(
  [SERVICE_OPERATIONS, BUCKET_OPERATIONS, OBJECT_OPERATIONS].flatMap((table) => Object.keys(table)),
);

function unsupported(
  names: Readonly<Partial<Record<Method, string>>>,
): Readonly<Partial<Record<Method, Unsupported>>> {
  return Object.fromEntries(
    Object.entries(names).map(([method, name]) => [method, { unsupported: name }]),
  );
}

/** The usual three: GetX, PutX, DeleteX. */
function configuration(noun: string): Readonly<Partial<Record<Method, Unsupported>>> {
  return unsupported({ GET: `Get${noun}`, PUT: `Put${noun}`, DELETE: `Delete${noun}` });
}

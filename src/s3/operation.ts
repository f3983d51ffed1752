/** The S3 operations as a union: what a request can ask for, and on what. recognise.ts decides which one a request is. */

/** Operations on the whole service. */
export type ServiceOperationName = "ListBuckets" | "PreflightService";

/** Operations on one bucket that are implemented. */
export type BucketOperationName =
  | "CreateBucket"
  | "HeadBucket"
  | "DeleteBucket"
  | "GetBucketLocation"
  | "GetBucketVersioning"
  | "GetBucketAcl"
  | "PutBucketAcl"
  | "GetBucketCors"
  | "PutBucketCors"
  | "DeleteBucketCors"
  | "GetBucketTagging"
  | "PutBucketTagging"
  | "DeleteBucketTagging"
  | "ListObjects"
  | "ListObjectsV2"
  | "ListObjectVersions"
  | "ListMultipartUploads"
  | "DeleteObjects"
  | "PostObject"
  | "PreflightBucket";

/** Operations on one key that are implemented. */
export type ObjectOperationName =
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "CopyObject"
  | "GetObjectAttributes"
  | "GetObjectAcl"
  | "PutObjectAcl"
  | "GetObjectTagging"
  | "PutObjectTagging"
  | "DeleteObjectTagging"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListParts"
  | "PreflightObject";

export type OperationName = ServiceOperationName | BucketOperationName | ObjectOperationName;

export interface ServiceOperation {
  readonly kind: "service";
  readonly name: ServiceOperationName;
}

export interface BucketOperation {
  readonly kind: "bucket";
  readonly name: BucketOperationName;
  readonly bucket: string;
}

export interface ObjectOperation {
  readonly kind: "object";
  readonly name: ObjectOperationName;
  readonly bucket: string;
  readonly key: string;
}

export type Operation = ServiceOperation | BucketOperation | ObjectOperation;

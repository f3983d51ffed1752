/** Which function answers which operation: the whole list, in three tables. */

import { abortMultipartUpload } from "./abort_upload.ts";
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from "./acl.ts";
import { deleteBucketCors, getBucketCors, putBucketCors } from "./bucket_cors.ts";
import {
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
} from "./bucket_settings.ts";
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from "./bucket_tagging.ts";
import type { Call, Handler } from "./call.ts";
import { completeMultipartUpload } from "./complete_upload.ts";
import { copyObject } from "./copy_object.ts";
import { preflight } from "./cors.ts";
import { createBucket } from "./create_bucket.ts";
import { createMultipartUpload } from "./create_upload.ts";
import { deleteObject } from "./delete_object.ts";
import { deleteObjects } from "./delete_objects.ts";
import { getObject, headObject } from "./get_object.ts";
import { listBuckets } from "./list_buckets.ts";
import { listObjectVersions } from "./list_object_versions.ts";
import { listObjects, listObjectsV2 } from "./list_objects.ts";
import { listParts } from "./list_parts.ts";
import { listMultipartUploads } from "./list_uploads.ts";
import { getObjectAttributes } from "./object_attributes.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object_tagging.ts";
import type {
  BucketOperation,
  BucketOperationName,
  ObjectOperation,
  ObjectOperationName,
  ServiceOperation,
  ServiceOperationName,
} from "./operation.ts";
import { postObject } from "./post_object.ts";
import { putObject } from "./put_object.ts";
import type { Reply } from "./reply.ts";
import { uploadPart } from "./upload_part.ts";
import { uploadPartCopy } from "./upload_part_copy.ts";

const SERVICE_HANDLERS = {
  ListBuckets: listBuckets,
  PreflightService: preflight,
} satisfies Record<ServiceOperationName, Handler<ServiceOperation>>;

const BUCKET_HANDLERS = {
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetBucketAcl: getBucketAcl,
  PutBucketAcl: putBucketAcl,
  GetBucketCors: getBucketCors,
  PutBucketCors: putBucketCors,
  DeleteBucketCors: deleteBucketCors,
  GetBucketTagging: getBucketTagging,
  PutBucketTagging: putBucketTagging,
  DeleteBucketTagging: deleteBucketTagging,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PostObject: postObject,
  PreflightBucket: preflight,
} satisfies Record<BucketOperationName, Handler<BucketOperation>>;

const OBJECT_HANDLERS = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  GetObjectAttributes: getObjectAttributes,
  GetObjectAcl: getObjectAcl,
  PutObjectAcl: putObjectAcl,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  PreflightObject: preflight,
} satisfies Record<ObjectOperationName, Handler<ObjectOperation>>;

/** Runs the handler of the call's operation. */
export function handle(call: Call): Promise<Reply> {
  const { operation } = call;
  switch (operation.kind) {
    case "service":
      return SERVICE_HANDLERS[operation.name]({ ...call, operation });
    case "bucket":
      return BUCKET_HANDLERS[operation.name]({ ...call, operation });
    case "object":
      return OBJECT_HANDLERS[operation.name]({ ...call, operation });
  }
}

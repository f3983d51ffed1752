import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { openIncomingRequest } from "../../src/incoming_request.ts";
import type { Operation } from "../../src/s3/operation.ts";
import { recognise } from "../../src/s3/recognise.ts";

const DOMAINS = ["s3.example.com", "other.test"];

function ask(line: string, headers: Readonly<Record<string, string>> = {}): Operation {
  const [method = "", target = ""] = line.split(" ");
  const request = new Request("http://h/", { method, headers: { host: "h", ...headers } });
  // The constructor would normalise the path; Deno.serve doesn't.
  Object.defineProperty(request, "url", { value: `http://h${target}` });
  return recognise(openIncomingRequest(request, "0123456789ABCDEF"), DOMAINS);
}

function refusal(line: string, headers: Readonly<Record<string, string>> = {}): S3Error {
  return assertThrows(() => ask(line, headers), S3Error);
}

const IMPLEMENTED: readonly [line: string, name: string][] = [
  ["GET /", "ListBuckets"],
  ["GET /?x-id=ListBuckets&max-buckets=3&prefix=a&continuation-token=b", "ListBuckets"],
  ["OPTIONS /", "PreflightService"],
  ["PUT /bkt", "CreateBucket"],
  ["PUT /bkt/", "CreateBucket"],
  ["HEAD /bkt", "HeadBucket"],
  ["DELETE /bkt", "DeleteBucket"],
  ["DELETE /bkt/?x-id=DeleteBucket", "DeleteBucket"],
  ["GET /bkt?location", "GetBucketLocation"],
  ["GET /bkt?location=", "GetBucketLocation"],
  ["GET /bkt?versioning", "GetBucketVersioning"],
  ["GET /bkt?acl", "GetBucketAcl"],
  ["PUT /bkt?acl", "PutBucketAcl"],
  ["GET /bkt?cors", "GetBucketCors"],
  ["PUT /bkt?cors", "PutBucketCors"],
  ["DELETE /bkt?cors", "DeleteBucketCors"],
  ["GET /bkt?tagging", "GetBucketTagging"],
  ["PUT /bkt?tagging", "PutBucketTagging"],
  ["DELETE /bkt?tagging", "DeleteBucketTagging"],
  ["GET /bkt", "ListObjects"],
  ["GET /bkt?delimiter=/&marker=&max-keys=5&prefix=&encoding-type=url", "ListObjects"],
  ["GET /bkt?allow-unordered=true", "ListObjects"],
  ["GET /bkt?list-type=2&start-after=a&fetch-owner=true&marker=", "ListObjectsV2"],
  ["GET /bkt?versions&key-marker=a&version-id-marker=null", "ListObjectVersions"],
  ["GET /bkt?uploads&prefix=a&max-uploads=2&upload-id-marker=x", "ListMultipartUploads"],
  ["POST /bkt?delete", "DeleteObjects"],
  ["POST /bkt", "PostObject"],
  ["OPTIONS /bkt?anything", "PreflightBucket"],
  ["PUT /bkt/key", "PutObject"],
  ["PUT /bkt/key?x-id=PutObject", "PutObject"],
  ["PUT /bkt/key?X-Amz-Algorithm=A&X-Amz-Signature=b&x-amz-meta-c=d", "PutObject"],
  ["GET /bkt/key", "GetObject"],
  ["GET /bkt/key?v=123", "GetObject"],
  ["GET /bkt/key?1722334455", "GetObject"],
  ["GET /bkt/key?prefix=", "GetObject"],
  ["GET /bkt/key?session=abc", "GetObject"],
  ["GET /bkt/key?versionId=null&partNumber=2&response-content-type=a", "GetObject"],
  ["HEAD /bkt/key", "HeadObject"],
  ["HEAD /bkt/key?partNumber=1", "HeadObject"],
  ["DELETE /bkt/key", "DeleteObject"],
  ["DELETE /bkt/key?versionId=null", "DeleteObject"],
  ["GET /bkt/key?attributes", "GetObjectAttributes"],
  ["GET /bkt/key?acl&versionId=null", "GetObjectAcl"],
  ["PUT /bkt/key?acl", "PutObjectAcl"],
  ["GET /bkt/key?tagging", "GetObjectTagging"],
  ["PUT /bkt/key?tagging=", "PutObjectTagging"],
  ["DELETE /bkt/key?tagging", "DeleteObjectTagging"],
  ["POST /bkt/key?uploads", "CreateMultipartUpload"],
  ["PUT /bkt/key?partNumber=1&uploadId=u", "UploadPart"],
  ["POST /bkt/key?uploadId=u", "CompleteMultipartUpload"],
  ["DELETE /bkt/key?uploadId=u&x-id=AbortMultipartUpload", "AbortMultipartUpload"],
  ["GET /bkt/key?uploadId=u&max-parts=5&part-number-marker=2", "ListParts"],
  ["OPTIONS /bkt/key?uploads", "PreflightObject"],
];

for (const [line, name] of IMPLEMENTED) {
  Deno.test(`recognise: ${line} is ${name}`, () => assertEquals(ask(line).name, name));
}

Deno.test("recognise: x-amz-copy-source makes a write a copy, and nothing else", () => {
  const headers = { "x-amz-copy-source": "bkt/from" };
  assertEquals(ask("PUT /bkt/key", headers).name, "CopyObject");
  assertEquals(ask("PUT /bkt/key?partNumber=1&uploadId=u", headers).name, "UploadPartCopy");
  assertEquals(ask("GET /bkt/key", headers).name, "GetObject");
  assertEquals(ask("PUT /bkt", headers).name, "CreateBucket");
});

const UNSUPPORTED: readonly [line: string, operation: string][] = [
  ["GET /?Action=ListUsers", "Action"],
  ["POST /?Action=AssumeRole", "Action"],
  ["GET /bkt?events=s3:ObjectCreated:*", "ListenBucketNotification"],
  ["GET /bkt?abac", "GetBucketAbac"],
  ["PUT /bkt?accelerate", "PutBucketAccelerateConfiguration"],
  ["GET /bkt?analytics&id=1", "GetBucketAnalyticsConfiguration"],
  ["PUT /bkt?encryption", "PutBucketEncryption"],
  ["DELETE /bkt?intelligent-tiering&id=1", "DeleteBucketIntelligentTieringConfiguration"],
  ["GET /bkt?inventory", "GetBucketInventoryConfiguration"],
  ["PUT /bkt?lifecycle", "PutBucketLifecycleConfiguration"],
  ["DELETE /bkt?lifecycle", "DeleteBucketLifecycle"],
  ["PUT /bkt?logging", "PutBucketLogging"],
  ["POST /bkt?metadataTable", "CreateBucketMetadataTableConfiguration"],
  ["POST /bkt?metadataConfiguration", "CreateBucketMetadataConfiguration"],
  ["PUT /bkt?metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"],
  ["PUT /bkt?metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"],
  ["PUT /bkt?metrics&id=1", "PutBucketMetricsConfiguration"],
  ["PUT /bkt?notification", "PutBucketNotificationConfiguration"],
  ["PUT /bkt?object-lock", "PutObjectLockConfiguration"],
  ["DELETE /bkt?ownershipControls", "DeleteBucketOwnershipControls"],
  ["GET /bkt?policy", "GetBucketPolicy"],
  ["PUT /bkt?policy", "PutBucketPolicy"],
  ["DELETE /bkt?policy", "DeleteBucketPolicy"],
  ["DELETE /bkt?policy=", "DeleteBucketPolicy"],
  ["GET /bkt?policyStatus", "GetBucketPolicyStatus"],
  ["DELETE /bkt?publicAccessBlock", "DeletePublicAccessBlock"],
  ["DELETE /bkt?replication", "DeleteBucketReplication"],
  ["PUT /bkt?requestPayment", "PutBucketRequestPayment"],
  ["GET /bkt?session", "CreateSession"],
  ["PUT /bkt?versioning", "PutBucketVersioning"],
  ["DELETE /bkt?website", "DeleteBucketWebsite"],
  ["POST /bkt/key?append&position=0", "AppendObject"],
  ["PUT /bkt/key?encryption", "UpdateObjectEncryption"],
  ["PUT /bkt/key?legal-hold", "PutObjectLegalHold"],
  ["PUT /bkt/key?renameObject", "RenameObject"],
  ["POST /bkt/key?restore&versionId=null", "RestoreObject"],
  ["PUT /bkt/key?retention", "PutObjectRetention"],
  ["POST /bkt/key?select&select-type=2", "SelectObjectContent"],
  ["GET /bkt/key?torrent", "GetObjectTorrent"],
];

for (const [line, operation] of UNSUPPORTED) {
  Deno.test(`recognise: ${line} is ${operation}, which isn't implemented`, () => {
    const error = refusal(line);
    assertEquals([error.code, error.details["Operation"]], ["NotImplemented", operation]);
  });
}

const REFUSED: readonly [line: string, code: string][] = [
  // What could be a sub-resource of tomorrow never runs the plain operation.
  ["DELETE /bkt?newFeature", "NotImplemented"],
  ["DELETE /bkt?Policy", "NotImplemented"],
  ["PUT /bkt?newFeature=1", "NotImplemented"],
  ["PUT /bkt/key?newFeature", "NotImplemented"],
  ["DELETE /bkt/key?v=1", "NotImplemented"],
  ["GET /bkt?newFeature", "NotImplemented"],
  ["HEAD /bkt?newFeature", "NotImplemented"],
  ["PUT /bkt/key?x-amz-copy-source=a%2Fb", "NotImplemented"],
  // A known name in the wrong place.
  ["PUT /bkt/key?partNumber=1", "InvalidArgument"],
  ["DELETE /bkt/key?policy", "InvalidArgument"],
  ["PUT /bkt/key?cors", "InvalidArgument"],
  ["GET /bkt/key?policy", "InvalidArgument"],
  ["GET /bkt?attributes", "InvalidArgument"],
  ["PUT /bkt?versionId=null", "InvalidArgument"],
  ["PUT /bkt/key?versionId=null", "InvalidArgument"],
  // Contradictions.
  ["GET /bkt?acl&policy", "InvalidArgument"],
  ["PUT /bkt/key?acl&tagging", "InvalidArgument"],
  ["PUT /bkt/key?uploadId=a&uploadId=b&partNumber=1", "InvalidArgument"],
  ["PUT /bkt/key?uploadId=a&partNumber=1&partNumber=2", "InvalidArgument"],
  ["GET /bkt?prefix=a&prefix=b", "InvalidArgument"],
  ["GET /bkt?list-type=3", "InvalidArgument"],
  // Signature Version 2: what it signs must belong to the operation, what it doesn't is as ever.
  [
    "GET /bkt/key?AWSAccessKeyId=a&Expires=1&Signature=b&response-expires=x&tagging",
    "InvalidArgument",
  ],
  ["GET /bkt/key?AWSAccessKeyId=a&Expires=1&Signature=b&select-type=2", "NotImplemented"],
  ["PUT /bkt/key?AWSAccessKeyId=a&Expires=1&Signature=b&foo=bar", "NotImplemented"],
  ["PUT /bkt/key?Expires=1", "NotImplemented"],
  ["PUT /bkt/key?content-type=a", "NotImplemented"],
  // Addresses.
  ["GET /bkt/%ff", "InvalidURI"],
  ["GET /bkt/%", "InvalidURI"],
  ["GET /bkt?prefix=%zz", "InvalidURI"],
  ["GET /bkt/../other/key", "InvalidArgument"],
  ["GET /bkt/a/%2e%2e/b", "InvalidArgument"],
  ["GET /bkt/a/..", "InvalidArgument"],
  ["PUT /..", "InvalidBucketName"],
  ["PUT /No_Bucket", "InvalidBucketName"],
  ["GET /192.168.1.1", "InvalidBucketName"],
  ["GET //key", "InvalidBucketName"],
  [`PUT /bkt/${"k".repeat(1025)}`, "KeyTooLongError"],
  [`PUT /bkt/${"%C3%A9".repeat(513)}`, "KeyTooLongError"],
];

for (const [line, code] of REFUSED) {
  Deno.test(`recognise: ${line.slice(0, 60)} is ${code}`, () => {
    assertEquals(refusal(line).code, code);
  });
}

const METHODS: readonly [line: string, allow: string][] = [
  ["PUT /", "GET, OPTIONS"],
  ["DELETE /bkt?location", "GET"],
  ["POST /bkt/key", "GET, HEAD, PUT, DELETE, OPTIONS"],
  ["PATCH /bkt/key", "GET, HEAD, PUT, DELETE, OPTIONS"],
  ["TRACEX /bkt", "GET, HEAD, PUT, DELETE, POST, OPTIONS"],
  ["HEAD /bkt?acl", "GET, PUT"],
  ["GET /bkt/key?uploads", "POST"],
  ["constructor /bkt", "GET, HEAD, PUT, DELETE, POST, OPTIONS"],
];

for (const [line, allow] of METHODS) {
  Deno.test(`recognise: ${line} is not allowed, ${allow} are`, () => {
    const error = refusal(line);
    assertEquals([error.code, error.headers["allow"]], ["MethodNotAllowed", allow]);
  });
}

const KEYS: readonly [path: string, key: string][] = [
  ["/bkt/a", "a"],
  ["/bkt/a/b", "a/b"],
  ["/bkt//a", "/a"],
  ["/bkt/a//b/", "a//b/"],
  ["/bkt/a%2Fb", "a/b"],
  ["/bkt/a+b", "a+b"],
  ["/bkt/a%20b", "a b"],
  ["/bkt/a%3Fb", "a?b"],
  ["/bkt/.", "."],
  ["/bkt/...", "..."],
  ["/bkt/%E2%82%AC", "€"],
  ["/bkt/%00%01", "\0\u0001"],
  ["/bkt/a%255C", "a%5C"],
  ["/bkt/a\\b", "a\\b"],
  ["/bkt/a#b", "a#b"],
  [`/bkt/${"k".repeat(1024)}`, "k".repeat(1024)],
];

for (const [path, key] of KEYS) {
  Deno.test(`recognise: the key of ${path.slice(0, 40)}`, () => {
    assertEquals(ask(`GET ${path}`), { kind: "object", name: "GetObject", bucket: "bkt", key });
  });
}

const HOSTS: readonly [host: string, path: string, expected: string][] = [
  ["bkt.s3.example.com", "/key", "bkt/key"],
  ["bkt.s3.example.com:9000", "/key", "bkt/key"],
  ["BKT.S3.Example.COM", "/key", "bkt/key"],
  ["a.b.s3.example.com", "/key", "a.b/key"],
  ["bkt.other.test", "/bkt/key", "bkt/bkt/key"],
  ["bkt.other.test", "/", "bkt/"],
  ["s3.example.com", "/bkt/key", "bkt/key"],
  ["bkt.elsewhere.com", "/other/key", "other/key"],
  ["bkt.xs3.example.com", "/other/key", "other/key"],
  ["[::1]:9000", "/bkt/key", "bkt/key"],
];

for (const [host, path, expected] of HOSTS) {
  Deno.test(`recognise: ${path} at ${host} is ${expected}`, () => {
    const operation = ask(`GET ${path}`, { host });
    const found = operation.kind === "object"
      ? `${operation.bucket}/${operation.key}`
      : operation.kind === "bucket"
      ? `${operation.bucket}/`
      : "";
    assertEquals(found, expected);
  });
}

for (const host of ["a/b", "a?b", "a\\b", "a b", "a, b", "a#b"]) {
  Deno.test(`recognise: the host ${host} is refused`, () => {
    assertEquals(refusal("GET /bkt/key", { host }).code, "InvalidRequest");
  });
}

Deno.test("recognise: an invalid bucket before a domain is no path", () => {
  const error = refusal("GET /bkt/key", { host: "under_score.s3.example.com" });
  assertEquals(error.code, "InvalidBucketName");
});

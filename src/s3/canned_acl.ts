/** The canned ACLs (https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl) as zs3 knows them. */

import { S3Error } from "../errors.ts";
import type { CannedAcl } from "../storage/object_store.ts";

const HEADER = "x-amz-acl";

// The two that give the bucket's owner rights give none that roles and ownership don't give anyway.
const CANNED_ACLS: ReadonlyMap<string, CannedAcl> = new Map([
  ["private", "private"],
  ["public-read", "public-read"],
  ["bucket-owner-full-control", "private"],
  ["bucket-owner-read", "private"],
]);
const UNSUPPORTED = [
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "log-delivery-write",
];

/** The ACL of an `x-amz-acl` value; undefined without one. Throws NotImplemented for S3's others, InvalidArgument for none of S3's. */
export function parseCannedAcl(value: string | undefined): CannedAcl | undefined {
  if (value === undefined) return undefined;
  const acl = CANNED_ACLS.get(value);
  if (acl !== undefined) return acl;
  if (UNSUPPORTED.includes(value)) {
    throw new S3Error("NotImplemented", {
      message: `The canned ACL ${value} is not supported: use private or public-read.`,
      details: { Header: HEADER },
    });
  }
  throw new S3Error("InvalidArgument", {
    message: "The canned ACL is not one of S3's.",
    details: { ArgumentName: HEADER, ArgumentValue: value },
  });
}

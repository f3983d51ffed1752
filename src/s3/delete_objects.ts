/** DeleteObjects: many keys at once. What fails for one key is told of that key and touches no other. */

import { readSmallBody } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkKey } from "../storage/names.ts";
import type { ObjectStore } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { deleteCondition } from "./conditions.ts";
import { refuseUnapplied } from "./early_condition.ts";
import { errorMessage } from "./error_reply.ts";
import type { BucketOperation } from "./operation.ts";
import { checkVersionId } from "./version_id.ts";
import { group, leaf, optionalLeaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";
import { allowChildren, findText, malformed, parseXml, type XmlElement } from "./xml_reader.ts";

/** One `Object` of the request, as sent: what is wrong with it is its own error, not the request's. */
interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
  readonly size: string | undefined;
  readonly modified: string | undefined;
}

interface Deletions {
  readonly isQuiet: boolean;
  readonly objects: readonly Deletion[];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const deleteObjects: Handler<BucketOperation> = async ({ operation, payload, services }) => {
  const { isQuiet, objects } = parseDeletions(await readSmallBody(payload, LIMITS.xmlBytesMax));
  const results = await mapBounded(
    objects,
    (deletion) => deleteOne(services.store, operation.bucket, deletion, isQuiet),
  );
  return xmlReply(
    xmlDocument("DeleteResult", results.filter((result) => result !== undefined)),
  );
};

/** The result element of one deletion; undefined for a success that isn't to be told. */
async function deleteOne(
  store: ObjectStore,
  bucket: string,
  deletion: Deletion,
  isQuiet: boolean,
): Promise<Xml | undefined> {
  const { key, versionId, etag, size, modified } = deletion;
  const names = [leaf("Key", key), optionalLeaf("VersionId", versionId)];
  try {
    refuseUnapplied(store, [etag, size, modified].some((text) => text !== undefined));
    checkKey(key);
    checkVersionId(versionId);
    await store.delete({ bucket, key }, deleteCondition(deletion));
    return isQuiet ? undefined : group("Deleted", names);
  } catch (error) {
    // The one question: is it this key's error? A missing bucket or a fault is the whole request's.
    if (!(error instanceof S3Error) || error.code === "NoSuchBucket") throw error;
    return group("Error", [
      ...names,
      leaf("Code", error.code),
      leaf("Message", errorMessage(error)),
    ]);
  }
}

function parseDeletions(bytes: Uint8Array): Deletions {
  const root = parseXml(bytes, "Delete");
  allowChildren(root, ["Object", "Quiet"]);
  const objects = root.children.filter((child) => child.name === "Object").map(parseDeletion);
  if (objects.length === 0 || objects.length > LIMITS.deleteKeysMax) {
    throw malformed(`Delete must hold 1 to ${LIMITS.deleteKeysMax} Objects.`);
  }
  return { isQuiet: findText(root, "Quiet")?.trim().toLowerCase() === "true", objects };
}

function parseDeletion(element: XmlElement): Deletion {
  allowChildren(element, ["Key", "VersionId", "ETag", "LastModifiedTime", "Size"]);
  const key = findText(element, "Key");
  if (key === undefined) throw malformed("An Object must hold a Key.");
  return {
    key,
    versionId: findText(element, "VersionId"),
    etag: findText(element, "ETag"),
    size: findText(element, "Size"),
    modified: findText(element, "LastModifiedTime"),
  };
}

/** Maps in order of the items, at most LIMITS.parallelDeletesMax at a time. */
async function mapBounded<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += LIMITS.parallelDeletesMax) {
    const batch = items.slice(start, start + LIMITS.parallelDeletesMax);
    results.push(...await Promise.all(batch.map(map)));
  }
  return results;
}

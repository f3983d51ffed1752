/** Tags of objects and buckets: the rules, the header form (`a=1&b=2`) and the XML form (Tagging). */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Tags } from "../storage/object_store.ts";
import { group, leaf, type Xml, xmlDocument } from "./xml.ts";
import {
  allowChildren,
  childrenNamed,
  findChild,
  findText,
  malformed,
  parseXml,
} from "./xml_reader.ts";

type Tag = readonly [key: string, value: string];

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html; lengths count UTF-16 units, as S3 does.
const TAG_CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const RESERVED_PREFIX = "aws:";

/** Tags as `x-amz-tagging` has them. Throws InvalidArgument for a bad encoding or a key twice, InvalidTag for the rules. */
export function parseTaggingHeader(header: string): Tags {
  const tags = header.split("&").filter((pair) => pair !== "").map(parsePair);
  if (hasDuplicates(tags)) throw badHeader(header);
  return checkTags(tags, LIMITS.objectTagsMax);
}

/** Tags of a `Tagging` document. Throws MalformedXML, InvalidTag. */
export function parseTaggingXml(bytes: Uint8Array, tagsMax: number): Tags {
  const root = parseXml(bytes, "Tagging");
  allowChildren(root, ["TagSet"]);
  const set = findChild(root, "TagSet");
  if (set === undefined) throw malformed("Tagging must hold a TagSet.");
  const tags = childrenNamed(set, "Tag").map((element): Tag => {
    allowChildren(element, ["Key", "Value"]);
    const key = findText(element, "Key");
    const value = findText(element, "Value");
    if (key === undefined || value === undefined) throw malformed("A Tag must hold Key and Value.");
    return [key, value];
  });
  if (hasDuplicates(tags)) {
    throw new S3Error("InvalidTag", {
      message: "Cannot provide multiple Tags with the same key",
    });
  }
  return checkTags(tags, tagsMax);
}

/** The `Tagging` document. */
export function taggingDocument(tags: Tags): Xml {
  const set = Object.entries(tags).map(([key, value]) =>
    group("Tag", [leaf("Key", key), leaf("Value", value)])
  );
  return xmlDocument("Tagging", [group("TagSet", set)]);
}

function parsePair(pair: string): Tag {
  const equals = pair.indexOf("=");
  if (equals === -1) return [decodeForm(pair), ""];
  return [decodeForm(pair.slice(0, equals)), decodeForm(pair.slice(equals + 1))];
}

function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw badHeader(text, cause);
  }
}

/** Throws InvalidTag. `Object.fromEntries` makes even `__proto__` a plain property. */
function checkTags(tags: readonly Tag[], tagsMax: number): Tags {
  if (tags.length > tagsMax) throw invalidTag(`There can't be more than ${tagsMax} tags.`);
  for (const [key, value] of tags) checkTag(key, value);
  return Object.fromEntries(tags);
}

function checkTag(key: string, value: string): void {
  if (key === "" || key.length > LIMITS.tagKeyCharsMax || !TAG_CHARACTERS.test(key)) {
    throw invalidTag("The TagKey you have provided is invalid", key);
  }
  if (value.length > LIMITS.tagValueCharsMax || !TAG_CHARACTERS.test(value)) {
    throw invalidTag("The TagValue you have provided is invalid", key);
  }
  if (key.toLowerCase().startsWith(RESERVED_PREFIX)) {
    throw invalidTag("System tags cannot be added or updated by the requester", key);
  }
}

function hasDuplicates(tags: readonly Tag[]): boolean {
  return new Set(tags.map(([key]) => key)).size !== tags.length;
}

function invalidTag(message: string, key?: string): S3Error {
  return new S3Error("InvalidTag", {
    message,
    ...(key !== undefined && { details: { TagKey: key } }),
  });
}

function badHeader(value: string, cause?: unknown): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    details: { ArgumentName: "x-amz-tagging", ArgumentValue: value },
    cause,
  });
}

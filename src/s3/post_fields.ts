/** The fields of a browser's upload form and what they ask for. Whether they may is the policy's matter. */

import { Buffer } from "node:buffer";
import type { PayloadChecksum } from "../auth/payload.ts";
import { findAlgorithmOfHeader, parseChecksumValue } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkKey } from "../storage/names.ts";
import type { ObjectMeta } from "../storage/object_store.ts";
import { toHeaderText } from "./header_text.ts";
import type { Form } from "./multipart_form.ts";
import { readObjectMeta } from "./object_meta.ts";
import { parseTaggingXml } from "./tags.ts";

type Fields = ReadonlyMap<string, string>;

/** What a form asks for. */
export interface PostOrder {
  readonly key: string;
  readonly meta: Omit<ObjectMeta, "checksum">;
  /** Of the file, as the sender says. */
  readonly checksum: PayloadChecksum | undefined;
  /** 32 hex digits. */
  readonly md5: string | undefined;
  readonly success: PostSuccess;
}

/** How a success is to be answered. */
export type PostSuccess =
  | { readonly kind: "redirect"; readonly url: string }
  | { readonly kind: "status"; readonly status: 200 | 201 | 204 };

const FILENAME = "${filename}";

/** The fields with `${filename}` replaced by the file's name without its path, which S3 does before the policy is checked. */
export function expandFilename({ fields, file }: Form): Fields {
  const filename = (file.filename ?? "").replace(/^.*[/\\]/s, "");
  return new Map(
    Array.from(fields, ([name, value]) => [name, value.replaceAll(FILENAME, () => filename)]),
  );
}

/** Throws InvalidArgument, KeyTooLongError, InvalidDigest, InvalidRequest, and what metadata, tags and ACLs throw. */
export function readPostOrder(fields: Fields): PostOrder {
  return {
    key: requireKey(fields),
    meta: readMeta(fields),
    checksum: findChecksum(fields),
    md5: findMd5(fields),
    success: chooseSuccess(fields),
  };
}

function requireKey(fields: Fields): string {
  const key = fields.get("key");
  if (key === undefined) {
    throw new S3Error("InvalidArgument", {
      message:
        "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
      details: { ArgumentName: "key" },
    });
  }
  checkKey(key);
  return key;
}

/** Fields are named as the headers of a PUT are, but for the ACL and for tags, which are XML here. */
function readMeta(fields: Fields): PostOrder["meta"] {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) headers.set(name, toHeaderText(value));
  const acl = fields.get("acl");
  if (acl !== undefined) headers.set("x-amz-acl", acl);
  const meta = readObjectMeta(headers, headers.get("content-encoding"));
  const tagging = fields.get("tagging");
  if (tagging === undefined) return meta;
  const tags = parseTaggingXml(new TextEncoder().encode(tagging), LIMITS.objectTagsMax);
  return { ...meta, tags };
}

function findChecksum(fields: Fields): PayloadChecksum | undefined {
  for (const [name, value] of fields) {
    const algorithm = findAlgorithmOfHeader(name);
    if (algorithm !== undefined) return { algorithm, value: parseChecksumValue(algorithm, value) };
  }
  return undefined;
}

function findMd5(fields: Fields): string | undefined {
  const text = fields.get("content-md5");
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 16 && bytes.toString("base64") === text) return bytes.toString("hex");
  throw new S3Error("InvalidDigest");
}

const STATUSES = [200, 201, 204] as const;

/** As S3: a URL that isn't one is no URL, a status that isn't allowed is 204. */
function chooseSuccess(fields: Fields): PostSuccess {
  const url = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (url !== undefined && /^https?:\/\//i.test(url) && URL.canParse(url)) {
    return { kind: "redirect", url };
  }
  const asked = fields.get("success_action_status");
  const status = STATUSES.find((allowed) => String(allowed) === asked) ?? 204;
  return { kind: "status", status };
}

/** Access control lists in XML: the two that zs3 knows, written in full and recognised when a client sends them so. */

import { S3Error } from "../errors.ts";
import type { CannedAcl } from "../storage/object_store.ts";
import { ownerElement } from "./owner.ts";
import { group, leaf, type Xml, xmlDocument } from "./xml.ts";
import { allowChildren, childrenNamed, findChild, findText, parseXml } from "./xml_reader.ts";
import type { XmlElement } from "./xml_reader.ts";

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type=';
const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";

/** The `AccessControlPolicy` of what `owner` owns: everything for the owner, reading for all when it is public. */
export function aclDocument(acl: CannedAcl, owner: string | undefined): Xml {
  const id = owner ?? "";
  const ownerGrant = grant(
    group("Grantee", [leaf("ID", id), leaf("DisplayName", id)], `${XSI}"CanonicalUser"`),
    "FULL_CONTROL",
  );
  const publicGrant = grant(group("Grantee", [leaf("URI", ALL_USERS)], `${XSI}"Group"`), "READ");
  return xmlDocument("AccessControlPolicy", [
    ownerElement("Owner", owner),
    group("AccessControlList", acl === "private" ? [ownerGrant] : [ownerGrant, publicGrant]),
  ]);
}

/**
 * The canned ACL that an `AccessControlPolicy` amounts to. Throws NotImplemented for grants to anyone else or of anything else,
 * MalformedACLError, MalformedXML.
 */
export function parseAclDocument(bytes: Uint8Array, owner: string | undefined): CannedAcl {
  const root = parseXml(bytes, "AccessControlPolicy");
  allowChildren(root, ["Owner", "AccessControlList"]);
  const list = findChild(root, "AccessControlList");
  if (list === undefined) throw new S3Error("MalformedACLError");
  let acl: CannedAcl = "private";
  for (const element of childrenNamed(list, "Grant")) {
    if (isPublicRead(element)) acl = "public-read";
    else if (!isOwnersOwn(element, owner ?? "")) throw unsupportedGrant();
  }
  return acl;
}

function grant(grantee: Xml, permission: string): Xml {
  return group("Grant", [grantee, leaf("Permission", permission)]);
}

function isPublicRead(element: XmlElement): boolean {
  const { grantee, permission } = grantOf(element);
  return findText(grantee, "URI") === ALL_USERS && permission === "READ";
}

function isOwnersOwn(element: XmlElement, owner: string): boolean {
  const { grantee, permission } = grantOf(element);
  return findText(grantee, "ID") === owner && permission === "FULL_CONTROL";
}

function grantOf(element: XmlElement): { grantee: XmlElement; permission: string } {
  allowChildren(element, ["Grantee", "Permission"]);
  const grantee = findChild(element, "Grantee");
  const permission = findText(element, "Permission");
  if (grantee === undefined || permission === undefined) throw new S3Error("MalformedACLError");
  return { grantee, permission };
}

function unsupportedGrant(): S3Error {
  return new S3Error("NotImplemented", {
    message: "Only the ACLs that amount to private and public-read are implemented.",
  });
}

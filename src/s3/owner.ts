/** Owners and initiators in XML. A key pair is its own account: its access key id stands for both its id and its name. */

import type { Caller } from "../auth/keyring.ts";
import { group, leaf, type Xml } from "./xml.ts";

/** The id by which what the caller makes is remembered; undefined for an anonymous caller. */
export function accessKeyIdOf(caller: Caller): string | undefined {
  return caller.kind === "signed" ? caller.accessKeyId : undefined;
}

/** `<name><ID>…</ID><DisplayName>…</DisplayName></name>`; both are empty when nobody is known. */
export function ownerElement(name: "Owner" | "Initiator", accessKeyId: string | undefined): Xml {
  const id = accessKeyId ?? "";
  return group(name, [leaf("ID", id), leaf("DisplayName", id)]);
}

/** Checksums in XML documents: elements named ChecksumCRC32, ChecksumSHA256, … with a base64 value. */

import type { PayloadChecksum } from "../auth/payload.ts";
import type { ChecksumAlgorithm } from "../storage/object_store.ts";
import { leaf, type Xml } from "./xml.ts";
import { findText, type XmlElement } from "./xml_reader.ts";

const ELEMENTS = {
  CRC32: "ChecksumCRC32",
  CRC32C: "ChecksumCRC32C",
  CRC64NVME: "ChecksumCRC64NVME",
  SHA1: "ChecksumSHA1",
  SHA256: "ChecksumSHA256",
} as const satisfies Record<ChecksumAlgorithm, string>;

const ALGORITHM_OF_ELEMENT = new Map<string, ChecksumAlgorithm>(
  Object.entries(ELEMENTS).map(([algorithm, element]) => [element, algorithm as ChecksumAlgorithm]),
);

/** Names of all checksum elements. */
export const CHECKSUM_ELEMENTS: readonly string[] = Object.values(ELEMENTS);

/** The checksum's element; none for undefined. */
export function checksumLeaves(checksum: PayloadChecksum | undefined): Xml[] {
  return checksum === undefined ? [] : [leaf(ELEMENTS[checksum.algorithm], checksum.value)];
}

/** The first checksum among the element's children, or undefined. Its value isn't checked for form. */
export function findChecksum(element: XmlElement): PayloadChecksum | undefined {
  for (const { name } of element.children) {
    const algorithm = ALGORITHM_OF_ELEMENT.get(name);
    const value = algorithm === undefined ? undefined : findText(element, name);
    if (algorithm !== undefined && value !== undefined) return { algorithm, value: value.trim() };
  }
  return undefined;
}

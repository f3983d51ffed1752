/** What a copy of an object takes over, and what has to be computed over its bytes. Shared by the stores. */

import { type Digest, openDigest } from "../checksum.ts";
import type * as seam from "./object_store.ts";

const HEX_MD5 = /^[0-9a-f]{32}$/;

/** The copy's metadata when its hashes are known without reading the bytes again. */
export function keptMeta(
  source: seam.ObjectInfo,
  plan: seam.CopyPlan,
): seam.ObjectMeta | undefined {
  const { checksum } = source.meta;
  if (!HEX_MD5.test(source.etag) || checksum?.type !== "FULL_OBJECT") return undefined;
  if (plan.checksum !== "keep" && plan.checksum !== checksum.algorithm) return undefined;
  return { ...plan.meta, checksum };
}

/** What to compute over the bytes of a copy, and the checksum that it will have. */
export function copyDigest(
  source: seam.ObjectInfo,
  plan: seam.CopyPlan,
): { digest: Digest | undefined; checksum: () => seam.Checksum } {
  const { checksum } = source.meta;
  if (plan.checksum === "keep" && checksum?.type === "FULL_OBJECT") {
    return { digest: undefined, checksum: () => checksum };
  }
  const algorithm = plan.checksum === "keep" ? "CRC64NVME" : plan.checksum;
  const digest = openDigest(algorithm);
  return { digest, checksum: () => ({ algorithm, value: digest.base64(), type: "FULL_OBJECT" }) };
}

/** The body's bytes, unchanged, hashed as they pass. */
export async function* digested(
  body: AsyncIterable<Uint8Array> | Uint8Array<ArrayBuffer>,
  digest: Digest | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    digest?.update(chunk);
    yield chunk;
  }
}

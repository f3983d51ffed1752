/** PutObject: metadata from the headers, bytes from the body, one version made of both or nothing at all. */

import { LIMITS } from "../limits.ts";
import type { Handler } from "./call.ts";
import { DEFAULT_ALGORITHM } from "./checksum_headers.ts";
import { findWriteCondition } from "./conditions.ts";
import { checkConditionEarly, refuseUnappliedHeaders } from "./early_condition.ts";
import { openIncomingBody } from "./incoming_body.ts";
import { checksumHeaders, quote } from "./object_headers.ts";
import { readObjectMeta } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject: Handler<ObjectOperation> = async (call) => {
  const { operation, request, payload, services: { store } } = call;
  refuseUnappliedHeaders(store, request.headers);
  const meta = readObjectMeta(request.headers, payload.contentEncoding);
  const condition = findWriteCondition(request.headers);
  const incoming = openIncomingBody(payload, LIMITS.putBytesMax, DEFAULT_ALGORITHM);
  await checkConditionEarly(store, operation, condition);
  const info = await store.put({
    bucket: operation.bucket,
    key: operation.key,
    body: incoming.body,
    ...(incoming.sizeHint !== undefined && { sizeHint: incoming.sizeHint }),
    ...(condition !== undefined && { condition }),
    seal: (digest) => ({
      ...meta,
      checksum: { ...incoming.check(digest), type: "FULL_OBJECT" },
    }),
  });
  return new Reply(null, {
    headers: { etag: quote(info.etag), ...checksumHeaders(info.meta.checksum) },
  });
};

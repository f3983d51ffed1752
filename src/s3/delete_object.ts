/** DeleteObject: the key is gone afterwards, whether it was there or not, unless a condition says otherwise. */

import type { Handler } from "./call.ts";
import { findDeleteCondition } from "./conditions.ts";
import { refuseUnappliedHeaders } from "./early_condition.ts";
import type { ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { requireNullVersion } from "./version_id.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject: Handler<ObjectOperation> = async ({ operation, request, services }) => {
  refuseUnappliedHeaders(services.store, request.headers);
  requireNullVersion(request);
  await services.store.delete(operation, findDeleteCondition(request.headers));
  return new Reply(null, { status: 204 });
};

/** What a client is told when too few nodes can be reached: it is safe to ask again, here or elsewhere. */

import { S3Error } from "../errors.ts";

/** "…: 1 of the 3 nodes that hold it answered, 2 are needed." */
export function unavailable(what: string, answered: number, of: number, needed: number): S3Error {
  return new S3Error("ServiceUnavailable", {
    message: `${what}: ${answered} of the ${of} nodes concerned answered in time, ${needed} are ` +
      "needed. This node may be cut off from the others. Please try again.",
    headers: { "retry-after": "1" },
  });
}

export function closing(): S3Error {
  return new S3Error("ServiceUnavailable", {
    message: "The bucket is being deleted. Please try again.",
    headers: { "retry-after": "1" },
  });
}

export function notReady(): S3Error {
  return new S3Error("ServiceUnavailable", {
    message: "This node is joining its cluster. Please try again.",
    headers: { "retry-after": "1" },
  });
}

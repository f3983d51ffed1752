/** Numbers in queries and headers: how many, after which. */

import { S3Error } from "../errors.ts";

/** A whole number from 0 to 2^31 - 1; `otherwise` when the text is missing or empty. Throws InvalidArgument. */
export function parseCount(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === "") return otherwise;
  const count = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  if (count <= 0x7fffffff) return count;
  throw new S3Error("InvalidArgument", {
    message: `Provided ${name} not an integer or within integer range`,
    details: { ArgumentName: name, ArgumentValue: text },
  });
}

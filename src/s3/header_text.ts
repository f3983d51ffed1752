/**
 * Text in HTTP headers. A header's value is bytes; the runtime shows each byte as one latin1 code unit, both ways. What a
 * client stored is kept in that form, so that it gets back the very bytes it sent, whatever it meant by them.
 */

import { S3Error } from "../errors.ts";

const ASCII = /^[\x20-\x7e]*$/;
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f]/;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Text as a header carries it: its UTF-8 bytes as latin1 code units. */
export function toHeaderText(text: string): string {
  if (ASCII.test(text)) return text;
  return latin1(new TextEncoder().encode(text));
}

/** The text that a header's bytes spell in UTF-8; left alone when they aren't UTF-8. */
export function fromHeaderText(value: string): string {
  if (ASCII.test(value)) return value;
  try {
    return strictUtf8.decode(Uint8Array.from(value, (unit) => unit.charCodeAt(0)));
  } catch {
    return value;
  }
}

/** The value. Throws InvalidArgument when it has a control character, which would break (or forge) a header. */
export function checkHeaderText(name: string, value: string): string {
  if (!UNPRINTABLE.test(value)) return value;
  throw new S3Error("InvalidArgument", {
    message: `The value of ${name} must not hold control characters.`,
    details: { ArgumentName: name },
  });
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** `UriEncode` of the Signature V4 specification, applied to what is already percent-encoded, however its sender did that. */

const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/** For each byte, how it is written: itself when unreserved, else `%XX`. */
const QUERY_FORMS = formsOf(UNRESERVED);
/** In a path the slash stays too. */
const PATH_FORMS = formsOf(UNRESERVED + "/");

/**
 * The path decoded and encoded again, once, with nothing but unreserved characters and slashes left as they are. So a client
 * that sends `(` or `%7e` still has the signature of one that sends `%28` and `~`. Dots and empty components stay.
 */
export function canonicalPath(rawPath: string): string {
  return canonicalText(rawPath, PATH_FORMS);
}

/** The same for a name or value of a query, where slashes are encoded too. A plus is a plus. */
export function canonicalQueryText(raw: string): string {
  return canonicalText(raw, QUERY_FORMS);
}

function canonicalText(raw: string, forms: readonly string[]): string {
  for (let at = 0; at < raw.length; at++) {
    if (forms[raw.charCodeAt(at)]?.length !== 1) return encodeFrom(raw, at, forms);
  }
  return raw;
}

/** `raw` with everything from `start` on written in its canonical form. */
function encodeFrom(raw: string, start: number, forms: readonly string[]): string {
  let text = raw.slice(0, start);
  for (const byte of decodedBytes(raw.slice(start))) text += forms[byte];
  return text;
}

/** A percent sign that begins no encoded byte stands for itself: whether the URI is valid is for others to say. */
function* decodedBytes(raw: string): Iterable<number> {
  const bytes = new TextEncoder().encode(raw);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const encoded = byte === 0x25 ? hexByte(bytes[at + 1], bytes[at + 2]) : -1;
    if (encoded >= 0) at += 2;
    yield encoded >= 0 ? encoded : byte;
  }
}

/** The byte that two hex digits make; negative when they aren't. */
function hexByte(high = 0, low = 0): number {
  return hexDigit(high) * 16 + hexDigit(low);
}

/** So far negative for what isn't a digit that the byte made with it is negative too. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1000;
}

function formsOf(kept: string): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    return kept.includes(character)
      ? character
      : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  });
}

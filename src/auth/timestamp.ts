/** The two ways in which a signed request says when it was signed. */

/** Milliseconds of `YYYYMMDDTHHMMSSZ`; undefined for any other text. */
export function findTimestampMs(text: string): number | undefined {
  if (text.length !== 16 || text[8] !== "T" || text[15] !== "Z") return undefined;
  const month = digits(text, 4, 6);
  const day = digits(text, 6, 8);
  const hour = digits(text, 9, 11);
  const minute = digits(text, 11, 13);
  const second = digits(text, 13, 15);
  const isTime = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 &&
    second < 61;
  if (!isTime) return undefined;
  const ms = Date.UTC(digits(text, 0, 4), month - 1, day, hour, minute, second);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `YYYYMMDDTHHMMSSZ` of a time. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** The timestamp that a `Date` header means: S3 lets it be an HTTP date where `x-amz-date` is missing. */
export function findTimestampOfDate(text: string): string | undefined {
  if (findTimestampMs(text) !== undefined) return text;
  if (!text.endsWith(" GMT")) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : formatTimestamp(ms);
}

/** The number that the digits in [from, to) make; NaN when one isn't a digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

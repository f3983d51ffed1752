/** Dates as HTTP and S3 write them. Reading is strict: what isn't a date is nobody's date. */

// RFC 9110 §5.6.7: IMF-fixdate, and the two obsolete forms that a recipient must still accept.
const HTTP_DATE_FORMS = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2,5}day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
];
const ASCTIME_FORM = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;
// Not of HTTP, but some SDKs send it where S3's model says "timestamp".
const ISO_FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/** Milliseconds since the epoch, whole seconds; undefined for anything that isn't a date in one of the known forms. */
export function findHttpDate(text: string): number | undefined {
  const parsed = Date.parse(withZone(text));
  return Number.isNaN(parsed) ? undefined : wholeSeconds(parsed);
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** The last time that `formatXmlDate` wrote: the objects of a listing were often written in the same second. */
let written = { ms: 0, text: "1970-01-01T00:00:00.000Z" };

/** `1994-11-06T08:49:37.000Z`: S3 shows whole seconds in XML too. */
export function formatXmlDate(ms: number): string {
  const seconds = wholeSeconds(ms);
  if (seconds !== written.ms) written = { ms: seconds, text: new Date(seconds).toISOString() };
  return written.text;
}

/** The time as a client can know it. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** The text for `Date.parse`, which is far too lenient by itself: "" unless it has a known form. */
function withZone(text: string): string {
  if (ASCTIME_FORM.test(text)) return `${text} GMT`;
  if (ISO_FORM.test(text) || HTTP_DATE_FORMS.some((form) => form.test(text))) return text;
  return "";
}

/** Text from outside (a key, an error) made safe to print in one line of a terminal or a log. */

// Line ends of Unicode, what steers a terminal, and what reorders the text around it.
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Writes unprintable characters as `\uXXXX`, which is also how JSON writes them. */
export function oneLine(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

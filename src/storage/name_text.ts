/**
 * Names of records as one text whose UTF-8 bytes sort as the names do (content_store.ts, `NameBound`): stores keep and
 * compare that. It holds no NUL, at which node:sqlite would end it.
 */

import type { RecordRange } from "./content_store.ts";
import type { RecordKind, RecordName } from "./record.ts";

/** Letters in the order of the kinds' names. */
const LETTERS = {
  bucket: "b",
  object: "o",
  part: "p",
  upload: "u",
} as const satisfies Record<RecordKind, string>;

const KINDS = new Map<string, RecordKind>(
  Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as RecordKind]),
);

/** Ends each of a name's pieces; sorts before all that a piece can hold. */
const END = "\x01";
/** The least text above all that begin with END. */
const PAST_END = "\x02";
/** Leads the two characters that stand for one of the three lowest; their order stays. */
const ESCAPE = "\x02";

/** A text above those of all names; "" is below them. */
export const PAST_NAMES = "v";

/** Texts from `lower`, included or not, up to but without `before`. */
export interface TextBounds {
  readonly lower: string;
  readonly isLowerIncluded: boolean;
  readonly before: string;
}

export function nameToText({ kind, bucket, key, sub }: RecordName): string {
  return bucketToText(kind, bucket) + END + escaped(key) + END + escaped(sub);
}

/** Throws TypeError for a text that isn't of a name. */
export function textToName(text: string): RecordName {
  const [letter = "", bucket, key, sub, ...more] = text.split(END);
  const kind = KINDS.get(letter);
  if (
    kind === undefined || bucket === undefined || key === undefined || sub === undefined ||
    more.length > 0
  ) {
    throw new TypeError(`not a record's name: ${JSON.stringify(text)}`);
  }
  return { kind, bucket: unescaped(bucket), key: unescaped(key), sub: unescaped(sub) };
}

/** Whether, and only whether, a name is in the range its text is in these bounds. */
export function rangeToTexts({ kind, bucket, from, before }: RecordRange): TextBounds {
  const base = bucketToText(kind, bucket);
  return {
    lower: nameToText({ kind, bucket, key: from.key, sub: from.kind === "after" ? from.sub : "" }),
    isLowerIncluded: from.kind === "from",
    before: before === undefined ? base + PAST_END : base + END + escaped(before),
  };
}

/** The same for all names of a kind. */
export function kindToTexts(kind: RecordKind): TextBounds {
  const letter = LETTERS[kind];
  return { lower: letter + END, isLowerIncluded: true, before: letter + PAST_END };
}

function bucketToText(kind: RecordKind, bucket: string): string {
  return LETTERS[kind] + END + escaped(bucket);
}

// deno-lint-ignore no-control-regex
const LOWEST = /[\0-\x02]/g;
// deno-lint-ignore no-control-regex
const ESCAPED = /\x02([\x03-\x05])/g;
const SHIFT = 3;

function escaped(piece: string): string {
  return piece.replace(
    LOWEST,
    (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) + SHIFT),
  );
}

function unescaped(piece: string): string {
  if (!piece.includes(ESCAPE)) return piece;
  return piece.replace(
    ESCAPED,
    (_, char: string) => String.fromCharCode(char.charCodeAt(0) - SHIFT),
  );
}

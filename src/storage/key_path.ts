/**
 * The reversible mapping between keys and paths of plain files: pure text, no file system. An ordinary key is its own path.
 *
 * A key is cut at "/" into components, each of which becomes one path component, or several when it is long:
 *
 *   component of the key                          in the path
 *   ordinary                                      itself
 *   empty ("/a", "a//b", "dir/")                  %~
 *   "." or "..", or begins with "%~",             %~_ and the escaped text
 *     or holds control characters
 *   longer than 255 bytes as written above        %~+ and the first ≤ 200 bytes of escaped text, a folder in which the
 *                                                   rest follows, written by these same rules
 *   the last one, when a folder has its name      %~= and the escaped text (its alias)
 *
 * Escaped text is the text with control characters and "%" as %XX. `%~+…` is always a folder, `%~=…` always a file; all
 * other forms may be either, and when both are wanted (`a` beside `a/b`) the file takes the alias.
 *
 * The worst path of a 1024-byte key has 3587 bytes ("\x01/" 512 times, as an alias), which leaves 500 of PATH_MAX to the
 * folder of the bucket.
 */

import { LIMITS } from "../limits.ts";
import { isKey, utf8Length } from "./names.ts";

const MARK = "%~";
const ESCAPED = "%~_";
const CONTINUED = "%~+";
const ALIAS = "%~=";

const CHUNK_BYTES_MAX = 200;

// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\0-\x1f\x7f]/;
// deno-lint-ignore no-control-regex -- as above
const CONTROL_OR_PERCENT = /[\0-\x1f\x7f%]/g;

/** Where the file of a key lies: under its plain name, or under its alias because that name is a folder's. */
export type Place = "plain" | "alias";

export interface PlacedKey {
  readonly key: string;
  readonly place: Place;
}

// Most keys: nothing in them needs an escape, and no component can be too long.
const ORDINARY = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Path of the key's file: relative, "/" between components of at most 255 bytes, none of them empty, "." or "..". */
export function keyToPath(key: string): string {
  if (key.length <= LIMITS.pathComponentBytesMax && ORDINARY.test(key)) return key;
  return key.split("/").map(componentToPath).join("/");
}

/** Path of the key's file when a folder has the name that `keyToPath` gives. No folder ever has this one. */
export function keyToAliasPath(key: string): string {
  const slash = key.lastIndexOf("/");
  const alias = aliasToPath(key.slice(slash + 1));
  return slash < 0 ? alias : `${keyToPath(key.slice(0, slash))}/${alias}`;
}

/** The key whose file this is; undefined for a path that neither `keyToPath` nor `keyToAliasPath` gives for a valid key. */
export function pathToKey(path: string): PlacedKey | undefined {
  const slash = path.lastIndexOf("/");
  const last = path.slice(slash + 1);
  const place = last.startsWith(ALIAS) ? "alias" : "plain";
  const parent = foldersToText(path.slice(0, slash + 1));
  const name = place === "alias" ? unescapeText(last.slice(ALIAS.length)) : readName(last);
  if (parent === undefined || name === undefined) return undefined;
  const key = parent + name;
  // Decoding is lenient; what encodes back to the same path was canonical.
  const isCanonical = isKey(key) &&
    path === (place === "alias" ? keyToAliasPath(key) : keyToPath(key));
  return isCanonical ? { key, place } : undefined;
}

/**
 * What the keys of all files below the folder start with: "a/b/" for a/b, "" for "" (the bucket's own folder). For every
 * folder but a `%~+` one, all keys that start with it are below the folder. undefined for a folder in which no key can lie.
 */
export function directoryToPrefix(path: string): string | undefined {
  if (path === "") return "";
  const prefix = foldersToText(path + "/");
  if (prefix === undefined || !isKey(prefix)) return undefined;
  return keyToPath(prefix + childOf(prefix)).startsWith(path + "/") ? prefix : undefined;
}

/** What to append for the path of a key just below a folder: enough to be cut once more where a long component was cut. */
function childOf(prefix: string): string {
  return prefix.endsWith("/") ? "x" : "\u{10ffff}".repeat(LIMITS.pathComponentBytesMax / 4 + 1);
}

function componentToPath(component: string): string {
  return splitLong(component, writeName);
}

function aliasToPath(component: string): string {
  return splitLong(component, (text) => ALIAS + escapeText(text));
}

/** `write(text)`, below as many `%~+` folders as it takes to make that fit. */
function splitLong(text: string, write: (text: string) => string): string {
  let folders = "";
  let rest = text;
  let name = write(rest);
  while (utf8Length(name) > LIMITS.pathComponentBytesMax) {
    const chunk = firstChunk(rest);
    folders += `${CONTINUED}${escapeText(chunk)}/`;
    rest = rest.slice(chunk.length);
    name = write(rest);
  }
  return folders + name;
}

/** The longest start of `text` at a code point's border whose escaped form has ≤ 200 bytes. */
function firstChunk(text: string): string {
  let bytes = 0;
  let end = 0;
  for (const point of text) {
    bytes += utf8Length(escapeText(point));
    if (bytes > CHUNK_BYTES_MAX) break;
    end += point.length;
  }
  return text.slice(0, end);
}

function writeName(text: string): string {
  if (text === "") return MARK;
  const isOrdinary = !text.startsWith(MARK) && text !== "." && text !== ".." && !CONTROL.test(text);
  return isOrdinary ? text : ESCAPED + escapeText(text);
}

/** The text that `writeName` writes so; undefined for the other forms. */
function readName(name: string): string | undefined {
  if (!name.startsWith(MARK)) return name;
  if (name === MARK) return "";
  return name.startsWith(ESCAPED) ? unescapeText(name.slice(ESCAPED.length)) : undefined;
}

/** The part of a key that lies before the file's own name; `path` is empty or ends with "/". */
function foldersToText(path: string): string | undefined {
  let text = "";
  for (const folder of path.split("/").slice(0, -1)) {
    if (folder.startsWith(CONTINUED)) {
      text += unescapeText(folder.slice(CONTINUED.length));
      continue;
    }
    const name = readName(folder);
    if (name === undefined) return undefined;
    text += name + "/";
  }
  return text;
}

function escapeText(text: string): string {
  return text.replace(
    CONTROL_OR_PERCENT,
    (character) => "%" + character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"),
  );
}

function unescapeText(text: string): string {
  return text.replace(
    /%([0-9A-F]{2})/g,
    (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

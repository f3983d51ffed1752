/** JSON with comments and trailing commas, of the flat kind that a config file is. No message repeats what the text holds: it has secrets. */

export type JsonValue = string | number | boolean | readonly string[];

export interface JsonEntry {
  readonly name: string;
  readonly value: JsonValue;
  /** From 1. */
  readonly line: number;
}

/** Where a text stops being JSON, and what should be there. */
export class JsonError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = "JsonError";
    this.line = line;
  }
}

const BLANKS = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
// deno-lint-ignore no-control-regex -- JSON has none in its strings
const STRING = /"(?:[^"\\\x00-\x1f]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z]+/y;

/** The entries of one object, in order; a name that comes twice is there twice. Throws JsonError. */
export function parseEntries(text: string): JsonEntry[] {
  const reader = new Reader(text.replace(/^\uFEFF/, ""));
  const entries: JsonEntry[] = [];
  reader.need("{");
  while (!reader.skips("}")) {
    const { line } = reader;
    const name = reader.string("a name in double quotes");
    reader.need(":");
    entries.push({ name, value: readValue(reader, name), line });
    if (!reader.skips(",")) {
      reader.need("}", `"," or "}"`);
      break;
    }
  }
  reader.end();
  return entries;
}

function readValue(reader: Reader, name: string): JsonValue {
  if (!reader.skips("[")) return reader.scalar(name);
  const items: string[] = [];
  while (!reader.skips("]")) {
    items.push(reader.string("a text in double quotes"));
    if (!reader.skips(",")) {
      reader.need("]", `"," or "]"`);
      break;
    }
  }
  return items;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get line(): number {
    this.#match(BLANKS);
    return this.#text.slice(0, this.#at).split("\n").length;
  }

  /** Whether this comes next; passes over it. */
  skips(sign: string): boolean {
    this.#match(BLANKS);
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  need(sign: string, expected = JSON.stringify(sign)): void {
    if (!this.skips(sign)) throw this.#error(`${expected} is expected`);
  }

  string(expected: string): string {
    this.#match(BLANKS);
    const token = this.#match(STRING);
    if (token === "") throw this.#error(`${expected} is expected`);
    try {
      return JSON.parse(token);
    } catch {
      throw this.#error("a text has an escape that JSON doesn't know");
    }
  }

  scalar(name: string): string | number | boolean {
    this.#match(BLANKS);
    if (this.#text.startsWith('"', this.#at)) return this.string("a text that ends on its line");
    const token = this.#match(NUMBER);
    if (token !== "") return Number(token);
    const word = this.#match(WORD);
    if (word === "true" || word === "false") return word === "true";
    throw this.#error(
      `${
        JSON.stringify(name)
      } must be a text in double quotes, a number, true, false or a list of texts`,
    );
  }

  end(): void {
    this.#match(BLANKS);
    if (this.#at < this.#text.length) throw this.#error("nothing is expected after the last }");
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [token = ""] = pattern.exec(this.#text) ?? [];
    this.#at += token.length;
    return token;
  }

  #error(message: string): JsonError {
    return new JsonError(this.line, message);
  }
}

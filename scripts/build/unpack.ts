/** Goes into the bundled program: gives modules that few runs need, which lie in it compressed. */

import { Buffer } from "node:buffer";
import { brotliDecompressSync } from "node:zlib";

/** In place of a module's name stands `"zs3-module:NAME"`, of the program itself `"zs3-module:"`. */
export const MODULE_MARK = "zs3-module:";

/** Imports a module of the pack by its name. `packed` is base64 of Brotli of JSON: names to texts; `program` is the program's own URL. */
export function openPack(packed: string, program: string): (name: string) => Promise<unknown> {
  const urls = new Map([["", program]]);
  let texts: Readonly<Record<string, string>> | undefined;
  const urlOf = (name: string): string => {
    const known = urls.get(name);
    if (known !== undefined) return known;
    texts ??= JSON.parse(brotliDecompressSync(Buffer.from(packed, "base64")).toString());
    const text = texts?.[name]?.replace(
      new RegExp(`"${MODULE_MARK}([^"]*)"`, "g"),
      (_, other: string) => JSON.stringify(urlOf(other)),
    );
    if (text === undefined) throw new Error(`${name} isn't in this program`);
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    urls.set(name, url);
    return url;
  };
  return (name) => import(urlOf(name));
}

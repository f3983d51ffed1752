/** A bucket of given keys, and a client that walks through the pages of a listing. */

import { encode, openTestServer, type Send, texts } from "./s3_client.ts";

/** Signed by an admin; the bucket is `bkt` and its objects are empty. */
export async function openKeys(keys: readonly string[]): Promise<Send> {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  for (const key of keys) {
    const reply = await send("PUT", `/bkt/${encode(key, "/")}`, { body: "" });
    if (reply.status !== 200) throw new Error(`${key}: ${reply.text}`);
  }
  return send;
}

export interface ListedPage {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}

/** What a listing's document holds: its keys and its common prefixes. */
export function readPage(xml: string): ListedPage {
  const prefixes = texts(
    xml.replace(/<CommonPrefixes><Prefix>/g, "<CommonPrefixes><Common>")
      .replace(/<\/Prefix><\/CommonPrefixes>/g, "</Common></CommonPrefixes>"),
    "Common",
  );
  return { keys: texts(xml, "Key"), prefixes };
}

/** The query of the page after `xml`, without `?`; undefined after the last page. */
export type NextQuery = (xml: string) => string | undefined;

/** All pages from the first: `query` with `next`'s additions. Throws when they don't end. */
export async function readPages(
  send: Send,
  query: string,
  next: NextQuery,
  pagesMax = 100,
): Promise<readonly ListedPage[]> {
  const pages: ListedPage[] = [];
  let more: string | undefined = "";
  while (more !== undefined) {
    if (pages.length === pagesMax) throw new Error("the listing doesn't end");
    const reply = await send("GET", `/bkt?${query}${more}`);
    if (reply.status !== 200) throw new Error(reply.text);
    pages.push(readPage(reply.text));
    more = next(reply.text);
  }
  return pages;
}

/** What the four listings of a bucket have in common: prefix, delimiter, page size, encoding, and the elements that echo them. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import { parseCount } from "./count_parameter.ts";
import { leaf, markup, optionalLeaf, text, type Xml } from "./xml.ts";

export interface ListTerms {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  readonly isUrlEncoded: boolean;
}

/** `limitName` is `max-keys` or `max-uploads`. Throws InvalidArgument. */
export function parseListTerms(request: IncomingRequest, limitName: string): ListTerms {
  const encoding = findQuery(request, "encoding-type");
  if (encoding !== undefined && encoding !== "" && encoding !== "url") {
    throw new S3Error("InvalidArgument", {
      message: "Invalid Encoding Method specified in Request",
      details: { ArgumentName: "encoding-type", ArgumentValue: encoding },
    });
  }
  const limit = parseCount(limitName, findQuery(request, limitName), LIMITS.listKeysMax);
  return {
    prefix: findQuery(request, "prefix") ?? "",
    delimiter: findQuery(request, "delimiter") ?? "",
    limit: Math.min(limit, LIMITS.listKeysMax),
    isUrlEncoded: encoding === "url",
  };
}

/** A key, a prefix or a delimiter as character data: encoded when the client asked for it. */
export function nameText(terms: ListTerms, value: string): Xml {
  return text(terms.isUrlEncoded ? encodeKey(value) : value);
}

/** An element with `nameText` in it. */
export function nameLeaf(terms: ListTerms, element: string, value: string): Xml {
  return markup(`<${element}>${nameText(terms, value)}</${element}>`);
}

/** As `nameLeaf`; nothing at all when the value is undefined. */
export function optionalNameLeaf(
  terms: ListTerms,
  element: string,
  value: string | undefined,
): Xml {
  return value === undefined ? optionalLeaf(element, value) : nameLeaf(terms, element, value);
}

/** Prefix, Delimiter (when there is one), EncodingType (when asked for) and the page size under its own name. */
export function echoTerms(terms: ListTerms, limitElement: string): readonly Xml[] {
  return [
    nameLeaf(terms, "Prefix", terms.prefix),
    optionalNameLeaf(terms, "Delimiter", terms.delimiter === "" ? undefined : terms.delimiter),
    leaf(limitElement, terms.limit),
    optionalLeaf("EncodingType", terms.isUrlEncoded ? "url" : undefined),
  ];
}

export function commonPrefix(terms: ListTerms, prefix: string): Xml {
  const name = nameText(terms, prefix);
  return markup(`<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`);
}

/**
 * As `encoding-type=url` wants it: all but letters, digits, `-._~` and `/` percent-encoded. A blank is %20, which clients
 * that decode a plus and those that don't read alike.
 */
function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** GetObjectAttributes: what HeadObject tells and more, as much of it as is asked for. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type { ObjectInfo, ObjectPart } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { checksumLeaves } from "./checksum_xml.ts";
import { parseCount } from "./count_parameter.ts";
import { formatHttpDate } from "./http_date.ts";
import { parsePartsMax } from "./list_parts.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { requireNullVersion } from "./version_id.ts";
import { group, leaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";

const HEADER = "x-amz-object-attributes";
const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;
type Attribute = typeof ATTRIBUTES[number];

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes: Handler<ObjectOperation> = async (call) => {
  const { operation, request, services: { store } } = call;
  requireNullVersion(request);
  refuseUnsupported(request.headers);
  const wanted = parseAttributes(request.headers.get(HEADER));
  const page = readPartsPage(request);
  const info = await store.head(operation);
  const parts = wanted.has("ObjectParts") ? await store.findParts(operation) : undefined;
  const writers: Readonly<Record<Attribute, () => Xml[]>> = {
    // Here, unlike everywhere else, S3 gives the ETag without quotes.
    ETag: () => [leaf("ETag", info.etag)],
    Checksum: () => checksumElement(info),
    ObjectParts: () => parts === undefined ? [] : [partsElement(info, parts, page)],
    StorageClass: () => [leaf("StorageClass", "STANDARD")],
    ObjectSize: () => [leaf("ObjectSize", info.size)],
  };
  const elements = ATTRIBUTES.filter((name) => wanted.has(name)).flatMap((name) => writers[name]());
  return xmlReply(xmlDocument("GetObjectAttributesResponse", elements), {
    "last-modified": formatHttpDate(info.modifiedMs),
  });
};

interface PartsPage {
  readonly marker: number;
  readonly partsMax: number;
}

function readPartsPage({ headers }: IncomingRequest): PartsPage {
  const markerHeader = "x-amz-part-number-marker";
  const maxHeader = "x-amz-max-parts";
  return {
    marker: parseCount(markerHeader, headers.get(markerHeader), 0),
    partsMax: parsePartsMax(maxHeader, headers.get(maxHeader)),
  };
}

/** Throws InvalidArgument for a missing or empty list and for a name that isn't known. */
function parseAttributes(header: string | undefined): ReadonlySet<Attribute> {
  const names = (header ?? "").split(",").map((name) => name.trim());
  const wanted = new Set<Attribute>();
  for (const name of names) {
    const known = ATTRIBUTES.find((attribute) => attribute === name);
    if (known === undefined) throw badAttributes(header);
    wanted.add(known);
  }
  return wanted;
}

/** S3 leaves the number of parts off a composite checksum here, and only here. */
function checksumElement({ meta: { checksum } }: ObjectInfo): Xml[] {
  if (checksum === undefined) return [];
  const { algorithm, type } = checksum;
  const value = checksum.value.replace(/-\d+$/, "");
  return [group("Checksum", [
    ...checksumLeaves({ algorithm, value }),
    leaf("ChecksumType", type),
  ])];
}

/** As S3: the parts one by one only where the object's checksum is made of theirs, else just their number. */
function partsElement(info: ObjectInfo, parts: readonly ObjectPart[], page: PartsPage): Xml {
  const count = leaf("PartsCount", parts.length);
  const checksum = info.meta.checksum;
  if (checksum?.type !== "COMPOSITE") return group("ObjectParts", [count]);
  const shown = parts.slice(page.marker, page.marker + page.partsMax);
  const last = page.marker + shown.length;
  const elements = shown.map((part, index) =>
    group("Part", [
      leaf("PartNumber", page.marker + index + 1),
      leaf("Size", part.size),
      ...(part.checksum === undefined
        ? []
        : checksumLeaves({ algorithm: checksum.algorithm, value: part.checksum })),
    ])
  );
  return group("ObjectParts", [
    count,
    leaf("PartNumberMarker", page.marker),
    leaf("NextPartNumberMarker", last),
    leaf("MaxParts", page.partsMax),
    leaf("IsTruncated", shown.length > 0 && last < parts.length),
    ...elements,
  ]);
}

function badAttributes(header: string | undefined): S3Error {
  return new S3Error("InvalidArgument", {
    message: header === undefined || header === ""
      ? `The ${HEADER} header specifying the attributes to be retrieved is either missing or empty`
      : "Invalid attribute name specified.",
    details: { ArgumentName: HEADER, ArgumentValue: header ?? "" },
  });
}

/** Correctly signed requests whose content is hostile: what only comes to light behind the signature. */

import type { SeededRandom } from "../../support/seed.ts";
import { encode } from "../../suites/http_store/signer.ts";
import { type Header, serialize, signed } from "../../support/raw_request.ts";
import { type Spoiler, spoilt } from "./spoilt_bytes.ts";
import {
  CHUNKED_REQUEST,
  FORM_BOUNDARY,
  formBody,
  formFields,
  SCRATCH,
  validRequests,
  XML_REQUESTS,
} from "./valid_requests.ts";

const KiB = 1024;
const ENTITIES = Array.from(
  { length: 10 },
  (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`,
).join("");

/** Each makes another document of one that is in order. */
const XML_SPOILS:
  readonly ((xml: string, random: SeededRandom) => string | Uint8Array<ArrayBuffer>)[] = [
    (xml) => `<!DOCTYPE x [<!ENTITY e0 "ha">${ENTITIES}]>${xml.replace(/>([^<]+)</, ">&e10;<")}`,
    (xml) =>
      `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml.replace(/>([^<]+)</, ">&e;<")}`,
    (xml) => `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">${xml}`,
    (xml) => xml.replace(/>([^<]+)</, ">&undefined;<"),
    (xml) => xml.replace(/>([^<]+)</, ">&#0;&#xFFFE;&#99999999;<"),
    (xml) => "<a>".repeat(100_000) + xml,
    (xml) => `${"<a>".repeat(30)}${xml}${"</a>".repeat(30)}`,
    (xml) => xml.replace("</", `<!--${"x".repeat(3000 * KiB)}--></`),
    (xml) => `${xml}${xml}`,
    (xml, random) => xml.slice(0, random.below(xml.length)),
    (xml) => xml.replaceAll("<", "\ufeff<"),
    (xml) => new Uint8Array([0xff, 0xfe, ...new TextEncoder().encode(xml)]),
    (xml) => xml.replace(/^<(\w+)>/, (_all, name) => `<${name} ${'a="b" '.repeat(20_000)}>`),
    (xml) => xml.replaceAll(/<\/?\w+>/g, (tag) => tag.toUpperCase()),
    (xml) => xml.replace(/^<(\w+)>/, "<__proto__>").replace(/<\/\w+>$/, "</__proto__>"),
    (xml) => xml.replace(/>([^<]+)</, "><![CDATA[]]]]><![CDATA[>]]><"),
    () => "",
    () => "{}",
  ];

const FRAMINGS: readonly ((body: string, random: SeededRandom) => string)[] = [
  // The blank line at its end may be missing: the checksum has proved the bytes by then.
  (body, random) => body.slice(0, random.below(body.length - 4)),
  (body) => `z${body}`,
  (body) => body.replace("\r\n", "\n"),
  (body) => body.replace(/^\w+/, "ffffffffffffffff"),
  (body) => body.replace(/^\w+/, "-1"),
  (body) => body.replace(/^\w+/, "1"),
  (body) => body.replace(/^\w+/, (size) => `${size};${"x".repeat(5 * KiB)}`),
  (body) => body.replace("\r\n0\r\n", "\r\n"),
  (body) => body.replace("sha256:", "sha256:AAAA"),
  (body) => body.replace("x-amz-checksum-sha256", "x-amz-checksum-crc32"),
  (body) => body.replace(/\r\n\r\n$/, `\r\nx-more:${"y".repeat(40 * KiB)}\r\n\r\n`),
  (body) => `${body}and more`,
  () => "",
];

/** Behind the bucket's name in the path. All of them leave the bucket, or are no address at all. */
const ESCAPES: readonly string[] = [
  "/../kept/new",
  "/../../outside",
  "/%2e%2e/%2e%2e/outside",
  "/..%2f..%2foutside",
  "/a/%2E%2E/%2e./b",
  "/.%2e",
  "/..",
  "/../.index/catalog.db",
  "/../.tmp/x",
  "/%",
  "/%zz",
  "/%ff%fe",
  "/%c0%ae%c0%ae/x",
  "/%ed%a0%80",
  `/${"k".repeat(1025)}`,
  `/${"%C3%BC".repeat(513)}`,
];

const BAD_QUERIES: readonly (readonly Header[])[] = [
  [["list-type", "3"]],
  [["list-type", "2"], ["max-keys", "-1"]],
  [["list-type", "2"], ["max-keys", "1e9"]],
  [["list-type", "2"], ["continuation-token", "../../etc"]],
  [["list-type", "2"], ["encoding-type", "base64"]],
  [["uploads", ""], ["max-uploads", "x"]],
  [["policy", ""]],
  [["torrent", ""]],
  [["versions", ""], ["version-id-marker", "x"]],
];

/** `x-amz-…` and other headers that a PUT must not take. */
const BAD_HEADERS: readonly Header[] = [
  ["x-amz-copy-source", "/../../etc/passwd"],
  ["x-amz-copy-source", "kept/../../../etc/passwd"],
  ["x-amz-copy-source", "%00"],
  ["x-amz-copy-source", "none/none"],
  ["content-md5", "not base64"],
  ["content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="],
  ["x-amz-checksum-crc32", "AAAAAA=="],
  ["x-amz-checksum-sha256", "x"],
  ["x-amz-acl", "everyone"],
  ["x-amz-storage-class", "FLOPPY"],
  ["x-amz-tagging", "a=b&a=c"],
  ["x-amz-tagging", "%zz=1"],
  ["x-amz-server-side-encryption", "aws:kms"],
  ["if-none-match", '"etag"'],
  ["if-match", '"another"'],
  ["x-amz-meta-large", "x".repeat(3 * KiB)],
];

export const CONTENT_SPOILERS: readonly Spoiler[] = [
  (random) => {
    const request = random.pick(XML_REQUESTS);
    const index = random.below(XML_SPOILS.length);
    const body = XML_SPOILS[index]?.(request.body, random) ?? "";
    const to = `${request.method} ${request.rawPath}?${request.query?.[0]?.[0] ?? ""}`;
    return spoilt(`XML spoil ${index} for ${to}`, serialize(signed({ ...request, body })));
  },
  (random) => {
    const index = random.below(FRAMINGS.length);
    const body = FRAMINGS[index]?.(CHUNKED_REQUEST.body, random) ?? "";
    return refused(`framing ${index}`, serialize(signed({ ...CHUNKED_REQUEST, body })));
  },
  (random) => {
    const escape = random.pick(ESCAPES);
    const method = random.pick(["PUT", "DELETE", "GET", "POST"]);
    const request = signed({ method, rawPath: `/${SCRATCH.bucket}${escape}`, body: "outside" });
    return refused(`${method} ${escape.slice(0, 40)}`, serialize(request));
  },
  (random) => {
    const bucket = random.pick([
      "..",
      ".index",
      ".tmp",
      "%2e%2e",
      "UPPER",
      "a",
      "x".repeat(64),
      "a..b",
      "192.168.0.1",
    ]);
    const rawPath = random.oneIn(2) ? `/${bucket}` : `/${bucket}/x`;
    return refused(
      `PUT ${rawPath}`,
      serialize(signed({ method: "PUT", rawPath, body: "outside" })),
    );
  },
  (random) => {
    const query = random.pick(BAD_QUERIES);
    return refused(
      `?${query.join("&")}`,
      serialize(signed({ method: "GET", rawPath: "/scratch", query })),
    );
  },
  (random) => {
    const header = random.pick(BAD_HEADERS);
    const rawPath = `/${SCRATCH.bucket}/${SCRATCH.key}`;
    const put = { method: "PUT", rawPath, body: SCRATCH.contents, headers: [header] };
    return refused(header.join(": ").slice(0, 60), serialize(signed(put)));
  },
  (random) => {
    const [name, value] = [random.pick(["prefix", "uploadId", "x", "tagging"]), oddText(random)];
    const request = random.pick(validRequests());
    const query: readonly Header[] = [...(request.query ?? []), [name, value]];
    const isTwice = request.query?.some((pair) => pair[0] === name) ?? false;
    const draft = isTwice ? request : { ...request, query };
    return spoilt(`?${name}=${JSON.stringify(value)}`, serialize(signed(draft)));
  },
  (random) => formSpoilt(random),
];

/** Fields left out, doubled, changed or broken. */
function formSpoilt(random: SeededRandom): ReturnType<Spoiler> {
  const fields = formFields(new Date());
  const [name, value] = random.pick(fields);
  const others = fields.filter((field) => field[0] !== name);
  const body = formBody(fields);
  const forms: readonly (readonly [why: string, body: string])[] = [
    [`without ${name}`, formBody(others)],
    [`with another ${name}`, formBody([...others, [name, `${value}x`]])],
    ["with a field that no condition covers", formBody([...fields, ["x-amz-meta-a", "b"]])],
    ["with a key that leaves the bucket", formBody([["key", "../../outside"], ...fields.slice(1)])],
    ["cut off", body.slice(0, random.below(body.lastIndexOf("--") - 2))],
    ["with a long field", formBody([["x-ignore-a", "x".repeat(30 * KiB)], ...fields])],
    ["without a name", body.replace('; name="key"', "")],
    ["with another boundary", body.replaceAll(FORM_BOUNDARY, "--another")],
  ];
  const [why, spoiltBody] = random.pick(forms);
  const headers: readonly Header[] = [
    ["host", "localhost"],
    ["content-type", `multipart/form-data; boundary=${FORM_BOUNDARY}`],
    ["content-length", String(new TextEncoder().encode(spoiltBody).length)],
    ["connection", "close"],
  ];
  const target = `/${SCRATCH.bucket}`;
  const request = {
    method: "POST",
    target,
    headers,
    body: new TextEncoder().encode(spoiltBody),
  };
  return refused(`a form ${why}`, serialize(request));
}

/** Text that can be percent-encoded but hardly be meant. */
function oddText(random: SeededRandom): string {
  return random.pick([
    "",
    "\0",
    "../",
    "\r\nx: y",
    "\ufffe",
    "😀".repeat(200),
    encode("%"),
    "__proto__",
  ]);
}

function refused(why: string, bytes: Uint8Array<ArrayBuffer>): ReturnType<Spoiler> {
  return spoilt(why, bytes, { isRefused: true });
}

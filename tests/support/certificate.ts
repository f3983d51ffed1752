/** A certificate for 127.0.0.1 and localhost, signed by an authority made on the spot: no openssl needed (RFC 5280, X.690). */

import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface TestCertificate {
  /** The authority: what clients are told to trust. PEM. */
  readonly authority: string;
  /** The server's certificate and its private key. PEM. */
  readonly certificate: string;
  readonly privateKey: string;
}

const DAY_MS = 86_400_000;
const OID = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

/** Valid from yesterday until tomorrow. Also names `*.localhost`, for virtual-host addressing. */
export function makeCertificate(): TestCertificate {
  const authorityKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serverKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = { name: "zs3 test authority", key: authorityKeys.privateKey };
  const authorityId = keyId(authorityKeys.publicKey);
  return {
    authority: signCertificate(issuer, issuer.name, authorityKeys.publicKey, [
      extension(OID.basicConstraints, sequence(boolean(true)), true),
      extension(OID.keyUsage, der(0x03, Uint8Array.of(2, 0x04)), true), // keyCertSign
      extension(OID.subjectKeyIdentifier, der(0x04, authorityId)),
    ]),
    certificate: signCertificate(issuer, "127.0.0.1", serverKeys.publicKey, [
      extension(OID.basicConstraints, sequence(), true),
      extension(OID.keyUsage, der(0x03, Uint8Array.of(7, 0x80)), true), // digitalSignature
      extension(OID.extKeyUsage, sequence(oid(OID.serverAuth))),
      extension(OID.subjectAltName, subjectAltNames()),
      extension(OID.subjectKeyIdentifier, der(0x04, keyId(serverKeys.publicKey))),
      extension(OID.authorityKeyIdentifier, sequence(der(0x80, authorityId))),
    ]),
    privateKey: serverKeys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function subjectAltNames(): Uint8Array {
  return sequence(
    der(0x82, ascii("localhost")),
    der(0x82, ascii("*.localhost")),
    der(0x87, Uint8Array.of(127, 0, 0, 1)),
  );
}

function signCertificate(
  issuer: { readonly name: string; readonly key: KeyObject },
  subject: string,
  publicKey: KeyObject,
  extensions: readonly Uint8Array[],
): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = crypto.getRandomValues(new Uint8Array(8));
  serial[0] = 1; // positive, whatever follows
  const toBeSigned = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // v3
    integer(serial),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", toBeSigned, issuer.key);
  return pem(sequence(toBeSigned, algorithm, bits(signature)));
}

/** RFC 5280, 4.2.1.2: SHA-1 of the public key's bits, without the header that says what kind of key it is. */
function keyId(publicKey: KeyObject): Uint8Array {
  const uncompressedPointBytes = 65;
  const spki = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki.subarray(-uncompressedPointBytes)).digest();
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, ascii(commonName)))));
}

function extension(id: string, value: Uint8Array, isCritical = false): Uint8Array {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), der(0x04, value));
}

function time(ms: number): Uint8Array {
  return der(0x18, ascii(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "")));
}

function sequence(...items: readonly Uint8Array[]): Uint8Array {
  return der(0x30, join(items));
}

function boolean(value: boolean): Uint8Array {
  return der(0x01, Uint8Array.of(value ? 0xff : 0));
}

function integer(bytes: Uint8Array): Uint8Array {
  return der(0x02, bytes);
}

function bits(bytes: Uint8Array): Uint8Array {
  return der(0x03, join([Uint8Array.of(0), bytes]));
}

function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let high = value >>> 7; high > 0; high >>>= 7) digits.unshift((high & 0x7f) | 0x80);
  return digits;
}

/** Tag, length, content. */
function der(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const header = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >>> 8, length & 0xff];
  return join([Uint8Array.from(header), content]);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function pem(bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

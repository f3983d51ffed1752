/** One datagram in which a node says, under the cluster's key, that it is there. */

import { LIMITS } from "../limits.ts";
import { joinAddress } from "./address.ts";
import { isBootId, isNodeId } from "./hello.ts";
import type { ProofKey } from "./proof_key.ts";
import type { NodeId } from "./transport.ts";

export interface BeaconPacket {
  readonly id: NodeId;
  readonly bootId: string;
  /** The IPv4 address that it is sent from. */
  readonly host: string;
  /** Where the node answers peers. */
  readonly port: number;
}

const MAGIC = "zs3";
const PORT = /^[1-9]\d{0,4}$/;

export function encodeBeacon(key: ProofKey, packet: BeaconPacket): Uint8Array {
  const { id, bootId, host, port } = packet;
  const facts = [id, bootId, host, String(port)];
  return new TextEncoder().encode([MAGIC, ...facts, key.prove("beacon", facts)].join(" "));
}

/**
 * undefined for what no node of the cluster sent from just the address that it came from. A beacon that is sent again from
 * elsewhere, or was passed on, is nothing: so nobody can make a node call an address that isn't a node's own.
 */
export function findBeacon(
  key: ProofKey,
  bytes: Uint8Array,
  source: string,
): BeaconPacket | undefined {
  if (bytes.length > LIMITS.beaconBytesMax) return undefined;
  const [magic, id, bootId, host, port = "", proof = "", ...rest] = new TextDecoder()
    .decode(bytes).split(" ");
  if (magic !== MAGIC || rest.length > 0 || !isNodeId(id) || !isBootId(bootId)) return undefined;
  if (host !== source || !PORT.test(port) || Number(port) > 65_535) return undefined;
  if (!key.isProof(proof, "beacon", [id, bootId, host, port])) return undefined;
  return { id, bootId, host, port: Number(port) };
}

export function beaconAddress({ host, port }: BeaconPacket): string {
  return joinAddress(host, port);
}

/**
 * The seam of the distributed hash table: who is near an id, and who provides the content under a key. Knows no objects.
 * Kademlia (Maymounkov and Mazières, 2002) is its implementation.
 */

import type { Contact, NodeId } from "../peer/transport.ts";

/** A key of the table: 40 hex digits, in the same space as node ids. */
export type DhtKey = string;

export interface Dht {
  /** Hears of a node that proved itself just now (it called, or answered). */
  seen(contact: Contact): void;
  /** Hears that a node didn't answer. */
  failed(id: NodeId): void;
  /** The nodes of the routing table nearest to the key, nearest first. Asks nobody. */
  closest(key: DhtKey, limit: number): readonly Contact[];
  /** The k nodes nearest to the key that an iterative lookup finds, nearest first; without this node itself. */
  findNode(key: DhtKey): Promise<readonly Contact[]>;
  /**
   * Nodes that announced the key and whose announcements haven't expired; this node isn't among them. The search ends early when
   * it has found `enough`; without that it asks all who should know. What is found is hearsay until the node has answered a call.
   */
  findProviders(key: DhtKey, enough?: number): Promise<readonly Contact[]>;
  /** Has this node told as a provider, soon and in batches, to those nearest to each key. To be repeated before it expires. */
  announce(keys: readonly DhtKey[]): void;
}

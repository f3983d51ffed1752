/** A cluster as its clients see it: nodes that can be asked, as long as they run. */

import type { ObjectStore } from "../../src/storage/object_store.ts";

/** A running node. */
export interface Door {
  readonly node: string;
  /**
   * Has the node carry out a request; all of its work, reading bodies included, belongs into `ask`. Rejects with ConnectionLost
   * when the node ends first; stays pending as long as the node is stopped.
   */
  request<T>(ask: (store: ObjectStore) => Promise<T>): Promise<T>;
}

/** The request may or may not have been carried out, or still be. */
export class ConnectionLost extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConnectionLost";
  }
}

/** The nodes that can be asked right now; none while all are down. */
export type Doors = () => readonly Door[];

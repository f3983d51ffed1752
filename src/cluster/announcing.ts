/** Telling the DHT which blocks this node holds: all of them now and then, as nodes forget providers that don't repeat it. */

import type { Kademlia } from "../dht/kademlia.ts";
import { LIMITS } from "../limits.ts";
import type { BlockStore } from "../storage/content_store.ts";
import { sleep, type Timers } from "../timers.ts";
import type { Membership } from "./membership.ts";
import { heldPages } from "./pages.ts";
import { placeOfBlock } from "./placement.ts";

export interface AnnouncingOptions {
  readonly dht: Pick<Kademlia, "join" | "announce" | "stats">;
  readonly membership: Pick<Membership, "staying" | "contactOf">;
  readonly blocks: BlockStore;
  readonly timers: Timers;
}

/** Ends when the last has been handed over, or early when `isStopping`. */
export async function announceAll(
  { dht, membership, blocks, timers }: AnnouncingOptions,
  isStopping: () => boolean,
): Promise<void> {
  await dht.join(membership.staying().flatMap((member) => membership.contactOf(member) ?? []));
  for await (const page of heldPages(blocks, timers)) {
    dht.announce(page.map(placeOfBlock));
    // More than a bound of announcements would be forgotten.
    while (dht.stats().announcementsWaiting > LIMITS.announcementsAhead) {
      if (isStopping()) return;
      await sleep(timers, LIMITS.announcePauseMs);
    }
  }
}

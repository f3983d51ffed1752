/** Several doors to one store, asked in turn: whatever one acknowledged, the next one must know. */

import type { ObjectStore } from "../../src/storage/object_store.ts";

/** Each call goes to the next store. Disposing it disposes one of them. */
export function takingTurns(stores: readonly ObjectStore[]): ObjectStore {
  let turn = 0;
  return new Proxy(stores[0] as ObjectStore, {
    get(first, name) {
      const value = Reflect.get(first, name);
      if (typeof value !== "function") return value;
      return (...words: unknown[]) => {
        const store = stores[turn++ % stores.length] as ObjectStore;
        return Reflect.get(store, name).apply(store, words);
      };
    },
  });
}

import { MemoryStore } from "../../src/storage/memory_store.ts";
import { objectStoreSuite } from "./object_store_suite.ts";

objectStoreSuite("MemoryStore", () => {
  const store = new MemoryStore();
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
});

/** One key as its clients see it: a register that holds a version or nothing, with a tag that changes without a new version. */

import type { Model, Operation } from "./linearizability.ts";

/** What a key holds: the id that its writer gave the version, and its tag. No two writes have one id, no two taggings one tag. */
export interface Version {
  readonly id: string;
  /** "" until it is tagged. */
  readonly tag: string;
}

export type KeyState = Version | "nothing";

export type KeyAction =
  /** By a put, a copy or a completed upload. */
  | { readonly kind: "write"; readonly id: string }
  | { readonly kind: "delete" }
  /** `id` is the version that was tagged; undefined when that wasn't answered. */
  | { readonly kind: "tag"; readonly tag: string; readonly id: string | undefined }
  /** By a get or a head, or by what another operation was refused for. */
  | { readonly kind: "read"; readonly seen: KeyState };

export const KEY_MODEL: Model<KeyState, KeyAction> = {
  initial: "nothing",
  step: stepKey,
  keyOf: describeKey,
  classOf: (action) => action.kind === "delete" ? "delete" : undefined,
};

export function describeKey(state: KeyState): string {
  if (state === "nothing") return "nothing";
  return state.tag === "" ? state.id : `${state.id} tagged ${state.tag}`;
}

function stepKey(state: KeyState, action: KeyAction): KeyState | undefined {
  switch (action.kind) {
    case "write":
      return { id: action.id, tag: "" };
    case "delete":
      return "nothing";
    case "tag":
      if (state === "nothing") return undefined;
      if (action.id !== undefined && action.id !== state.id) return undefined;
      return { id: state.id, tag: action.tag };
    case "read":
      return describeKey(action.seen) === describeKey(state) ? state : undefined;
  }
}

/**
 * The history without what can't change the judgement and makes it hard: operations without an answer whose effect nobody saw.
 * They may have had none; and if they had one, another change followed before anybody looked.
 */
export function withoutUnseen<O extends Operation<KeyAction>>(operations: readonly O[]): O[] {
  const seen = new Set(operations.flatMap(({ action }) => seenBy(action)));
  return operations.filter(({ action, returnedAt }) => {
    if (returnedAt !== undefined || action.kind === "delete") return true;
    if (action.kind === "write") return seen.has(`id ${action.id}`);
    return action.kind === "tag" && seen.has(`tag ${action.tag}`);
  });
}

function seenBy(action: KeyAction): string[] {
  if (action.kind === "tag" && action.id !== undefined) return [`id ${action.id}`];
  if (action.kind !== "read" || action.seen === "nothing") return [];
  return [`id ${action.seen.id}`, `tag ${action.seen.tag}`];
}

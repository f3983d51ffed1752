/**
 * Was there an order in which the operations of a history, one after the other, give just the answers that were given? Each
 * must take its place between its call and its return; one without a return may take effect at any time after its call, or
 * never. Wing and Gong's search (1993) in Lowe's form (2017): it goes through the calls and returns in the order of time,
 * keeps all states that the object may be in, and gives an operation its place only when one returns.
 * Knows nothing of what the object is: that is the model.
 */

export interface Operation<Action> {
  readonly action: Action;
  readonly calledAt: number;
  /** Undefined when it isn't known whether it took effect. */
  readonly returnedAt: number | undefined;
}

export interface Model<State, Action> {
  readonly initial: State;
  /** The state after the action, or undefined when that action can't have had its outcome in that state. */
  step(state: State, action: Action): State | undefined;
  /** Equal for equal states, and only for them. */
  keyOf(state: State): string;
  /**
   * A text shared by actions that are the same (two deletions). Of several without a return, all called already, it doesn't
   * matter which one takes effect: only the first is tried. Undefined for one that is like no other.
   */
  classOf(action: Action): string | undefined;
}

export interface Violation<State, Told> {
  /** It can't have its place before its return, in any of the orders that all returns before it allow. */
  readonly operation: Told;
  /** The states that the object may have been in just before that return. */
  readonly states: readonly State[];
}

/** More would be a history with too many operations at once: the workload's fault. */
const CONFIGURATIONS_MAX = 200_000;

/** One possible past: the state that it leads to, and the operations that took effect though they haven't returned yet. */
interface Configuration<State> {
  readonly state: State;
  readonly done: ReadonlySet<number>;
}

/** Undefined when the history is linearizable. Throws RangeError for one that is too hard to judge. */
export function findViolation<State, Action, Told extends Operation<Action>>(
  model: Model<State, Action>,
  operations: readonly Told[],
): Violation<State, Told> | undefined {
  const search = new Search(model, operations);
  for (const { index, isReturn } of eventsOf(operations)) {
    if (!isReturn) search.call(index);
    else if (!search.return(index)) {
      const operation = operations[index];
      if (operation !== undefined) return { operation, states: search.lastStates };
    }
  }
  return undefined;
}

class Search<State, Action> {
  readonly #model: Model<State, Action>;
  readonly #operations: readonly Operation<Action>[];
  /** Called and not returned, in the order of their calls. */
  readonly #pending: number[] = [];
  #configurations: readonly Configuration<State>[];

  constructor(model: Model<State, Action>, operations: readonly Operation<Action>[]) {
    this.#model = model;
    this.#operations = operations;
    this.#configurations = [{ state: model.initial, done: new Set() }];
  }

  /** Each state once. */
  get lastStates(): readonly State[] {
    const states = new Map(
      this.#configurations.map(({ state }) => [this.#model.keyOf(state), state]),
    );
    return [...states.values()];
  }

  call(index: number): void {
    this.#pending.push(index);
  }

  /** Keeps the pasts in which the operation took effect by now. False, and keeps all, when there are none. */
  return(index: number): boolean {
    const seen = new Set<string>();
    const kept = new Map<string, Configuration<State>>();
    const stack = [...this.#configurations];
    for (let past = stack.pop(); past !== undefined; past = stack.pop()) {
      if (past.done.has(index)) {
        const done = new Set(past.done);
        done.delete(index);
        const next = { state: past.state, done };
        kept.set(this.#keyOf(next), next);
        continue;
      }
      const key = this.#keyOf(past);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > CONFIGURATIONS_MAX) throw new RangeError("the history is too hard to judge");
      stack.push(...this.#successors(past));
    }
    if (kept.size === 0) return false;
    this.#configurations = [...kept.values()];
    this.#pending.splice(this.#pending.indexOf(index), 1);
    return true;
  }

  /** The pasts that are longer by one pending operation. */
  #successors({ state, done }: Configuration<State>): Configuration<State>[] {
    const triedClasses = new Set<string>();
    return this.#pending.flatMap((index) => {
      const operation = this.#operations[index];
      if (operation === undefined || done.has(index)) return [];
      if (operation.returnedAt === undefined) {
        const name = this.#model.classOf(operation.action);
        if (name !== undefined && triedClasses.has(name)) return [];
        if (name !== undefined) triedClasses.add(name);
      }
      const next = this.#model.step(state, operation.action);
      return next === undefined ? [] : [{ state: next, done: new Set(done).add(index) }];
    });
  }

  #keyOf({ state, done }: Configuration<State>): string {
    return `${[...done].sort((a, b) => a - b)}|${this.#model.keyOf(state)}`;
  }
}

/** Calls and returns in the order of time; of one time first the calls: what touches overlaps. */
function eventsOf(
  operations: readonly Operation<unknown>[],
): { readonly index: number; readonly isReturn: boolean }[] {
  return operations
    .flatMap(({ calledAt, returnedAt }, index) => [
      { index, isReturn: false, at: calledAt },
      ...(returnedAt === undefined ? [] : [{ index, isReturn: true, at: returnedAt }]),
    ])
    .sort((a, b) => a.at - b.at || Number(a.isReturn) - Number(b.isReturn) || a.index - b.index);
}

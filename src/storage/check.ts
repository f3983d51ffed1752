/** What all checks of stored data have in common: what they tell, and where an interrupted one goes on. */

/**
 * damaged: the bytes aren't those that were written, though nobody changed the file. unreadable: the disk doesn't give them.
 * missing: what is recorded isn't there. changed: the file is another one than recorded. touched: its bytes are those recorded,
 * its time isn't. record: what is recorded can't be read.
 */
export type ProblemKind =
  | "damaged"
  | "unreadable"
  | "missing"
  | "changed"
  | "touched"
  | "record";

export interface CheckProblem {
  readonly kind: ProblemKind;
  /** `bucket/key`, or what else it is about. */
  readonly subject: string;
  /** Completes "bucket/key: …". */
  readonly what: string;
  readonly isRepaired: boolean;
}

/** A place in the order in which a check goes through what is stored, with what was counted up to there. Survives as JSON. */
export interface CheckPoint {
  readonly place: readonly string[];
  readonly counts: { readonly [name: string]: number };
  /** Problems that will be told once it is known whom they concern, by what they are about. */
  readonly untold?: { readonly [subject: string]: ProblemKind };
}

export interface CheckWatch {
  /** How much is done of what there is to do, in whatever unit; `subject` as in CheckProblem. */
  progress(done: number, total: number, subject: string): void;
  problem(problem: CheckProblem): void;
  /** So many bytes were read: resolves when more may be. What it throws ends the check. */
  pace(bytes: number): Promise<void>;
  /** All before the point has been looked at, and its problems told. What it throws ends the check. */
  passed(point: CheckPoint): void;
}

/** What was looked at. */
export type CheckSummary =
  | {
    readonly kind: "files";
    readonly buckets: number;
    readonly objects: number;
    readonly bytes: number;
    /** Files without a row, as those that were put there by hand: rows follow when somebody lists or asks for them. */
    readonly unrecorded: number;
  }
  | {
    readonly kind: "content";
    readonly blocks: number;
    readonly bytes: number;
    readonly records: number;
    /** How many blocks the records refer to that aren't here. */
    readonly blocksElsewhere: number;
  };

/**
 * How nodes enter and leave a cluster without a moment in which two of them rely on quorums that don't meet. Pure.
 *
 * Each node holds a stage for each member that it knows, itself included, tells all others, and moves a member one stage on when
 * all the others have told that they reached the stage before. Nothing else is agreed on; there is no leader.
 *
 *     known → voting → synced → settled        (a node that joins)
 *     settled → leaving → unvoted → cleared → gone     (one that is given up; from known on to unvoted)
 *
 * - A *writer* counts acknowledgements of the R nearest members that it holds as voting to leaving.
 * - A *reader* asks the nearest members, whatever their stage but gone, until R of them are settled, and needs the answers of all
 *   but W - 1.
 *
 * They meet because (1) whom one node holds as settled, every node counts as a voter, so the R nearest voters of any writer lie
 * within what a reader asks; (2) a member becomes settled only after it has fetched from each other node, at a time when that one
 * already counted it, all that it has: what was acknowledged without counting the new member (whoever coordinates a write keeps
 * it too); so two clusters that meet become one in the same way; (3) a node that is given up stops being relied on everywhere
 * before anybody stops counting it, and is forgotten only after those who remain have fetched from each other what they lack.
 * A member that somebody gives up is given up by all who hear of it, refused from then on, and never comes back: its node returns
 * as a new member, with the next incarnation number.
 */

import type { NodeId } from "../peer/transport.ts";

/** A node in one incarnation: `<id>#<number>`. */
export type MemberKey = string;

export const STAGE = {
  known: 1,
  voting: 2,
  /** Of another: this node has fetched all its records since it counts this node. Of oneself: so it is with all others. */
  synced: 3,
  settled: 4,
  leaving: 5,
  unvoted: 6,
  cleared: 7,
  gone: 8,
} as const;

export type Stage = typeof STAGE[keyof typeof STAGE];

export type Stages = ReadonlyMap<MemberKey, Stage>;

export function memberKey(id: NodeId, incarnation: number): MemberKey {
  return `${id}#${incarnation}`;
}

export function nodeOf(member: MemberKey): NodeId {
  return member.slice(0, member.indexOf("#"));
}

export function incarnationOf(member: MemberKey): number {
  return Number(member.slice(member.indexOf("#") + 1));
}

export function isMemberKey(text: unknown): text is MemberKey {
  return typeof text === "string" && /^[0-9a-f]{40}#[1-9][0-9]{0,8}$/.test(text);
}

export function isVoter(stage: Stage): boolean {
  return stage >= STAGE.voting && stage <= STAGE.leaving;
}

/** Has been there, and may hold what was acknowledged. */
export function isAsked(stage: Stage): boolean {
  return stage < STAGE.gone;
}

export function isStaying(stage: Stage): boolean {
  return stage <= STAGE.settled;
}

/** What a node knows when it judges whom to move on. */
export interface StageFacts {
  readonly self: MemberKey;
  readonly stages: Stages;
  /** What the others told last, each for itself. Facts: a stage told is never taken back. */
  readonly told: ReadonlyMap<MemberKey, Stages>;
  /** Whether this node, by its own judgement, has given the member up: not heard of for too long, or come back anew. */
  isGivenUp(member: MemberKey): boolean;
}

/** What to do next about a member. */
export interface Move {
  readonly member: MemberKey;
  readonly to: Stage;
  /** From whom this node must fetch all that it lacks before the member is taken there. */
  readonly syncWith: readonly MemberKey[];
}

/** All moves that are due now. Making one may make others due. */
export function dueMoves(facts: StageFacts): Move[] {
  const moves: Move[] = [];
  const mayGiveUp = mayJudge(facts) && isMajorityLeft(facts);
  const areLeaversAgreed = areLeaversUnanimous(facts);
  for (const [member, stage] of facts.stages) {
    const move = dueMove(facts, member, stage, mayGiveUp, areLeaversAgreed);
    if (move !== undefined) moves.push(move);
  }
  return moves;
}

/** The stage at which a node takes in a member that another told of; undefined when that has gone already. */
export function firstStage(told: Stage): Stage | undefined {
  if (told === STAGE.gone) return undefined;
  return told >= STAGE.leaving ? STAGE.unvoted : STAGE.known;
}

function dueMove(
  facts: StageFacts,
  member: MemberKey,
  stage: Stage,
  mayGiveUp: boolean,
  areLeaversAgreed: boolean,
): Move | undefined {
  const { self, stages, told } = facts;
  const others = judges(facts, member);
  const to = (next: Stage, syncWith: readonly MemberKey[] = []) => ({ member, to: next, syncWith });
  const allTold = (least: Stage, most: Stage = STAGE.gone) =>
    others.every((other) => isWithin(told.get(other)?.get(member), least, most));
  if (isStaying(stage) && member !== self) {
    const isDoomed = others.some((other) => (told.get(other)?.get(member) ?? 0) >= STAGE.leaving);
    if (isDoomed || (mayGiveUp && facts.isGivenUp(member))) {
      // Whom this node never counted it needn't stop counting.
      return to(stage === STAGE.known ? STAGE.unvoted : STAGE.leaving);
    }
  }
  switch (stage) {
    case STAGE.known:
      return allTold(STAGE.known) ? to(STAGE.voting) : undefined;
    case STAGE.voting: {
      if (member === self) {
        const hasAll = others.every((other) => (stages.get(other) ?? 0) >= STAGE.synced);
        return hasAll && allTold(STAGE.voting) ? to(STAGE.synced) : undefined;
      }
      const countsSelf = isWithin(told.get(member)?.get(self), STAGE.voting, STAGE.settled);
      return countsSelf ? to(STAGE.synced, [member]) : undefined;
    }
    case STAGE.synced: {
      const own = told.get(member);
      const hasAll = member === self ||
        [self, ...others].every((other) => isWithin(own?.get(other), STAGE.synced, STAGE.settled));
      return hasAll && allTold(STAGE.voting, STAGE.settled) && isCompatible(facts, member)
        ? to(STAGE.settled)
        : undefined;
    }
    case STAGE.leaving:
      return areLeaversAgreed && allTold(STAGE.leaving) ? to(STAGE.unvoted) : undefined;
    case STAGE.unvoted:
      return areLeaversAgreed && allTold(STAGE.unvoted) ? to(STAGE.cleared, others) : undefined;
    case STAGE.cleared:
      return areLeaversAgreed && allTold(STAGE.cleared) ? to(STAGE.gone) : undefined;
    case STAGE.settled:
    case STAGE.gone:
      return undefined;
  }
}

/** Whether the member asks all whom this node counts, and counts nobody whom this node asks no more: clusters that meet may differ. */
function isCompatible(facts: StageFacts, member: MemberKey): boolean {
  const { self, stages, told } = facts;
  // Of oneself: with each of the others, as they see it.
  if (member === self) return judges(facts, self).every((other) => isCompatible(facts, other));
  return Array.from(stages).every(([other, stage]) => {
    const its = told.get(member)?.get(other);
    if (isVoter(stage)) return its !== undefined && its < STAGE.gone;
    return stage !== STAGE.gone || its === undefined || its >= STAGE.unvoted;
  });
}

function isWithin(stage: Stage | undefined, least: Stage, most: Stage): boolean {
  return stage !== undefined && stage >= least && stage <= most;
}

/** Whose word about `member` counts: everybody who stays, but itself and this node. */
function judges({ self, stages }: StageFacts, member: MemberKey): MemberKey[] {
  return Array.from(stages).flatMap(([other, stage]) =>
    other !== self && other !== member && isStaying(stage) ? [other] : []
  );
}

/**
 * Whether this node's own judgement is enough to give somebody up. Where a cluster is, only of one who counts in it: a joiner doesn't
 * hold as settled all whom others rely on, so it would take too few for a majority.
 */
function mayJudge({ self, stages, told }: StageFacts): boolean {
  if (stages.get(self) === STAGE.settled) return true;
  return [stages, ...told.values()].every((view) =>
    Array.from(view.values()).every((stage) => stage < STAGE.settled)
  );
}

/**
 * Whether those who stay would be more than half of the nodes, so that two sides of a partition don't give each other up. Nodes
 * that return in a new incarnation stay; joiners that never settled count for nothing.
 */
function isMajorityLeft(facts: StageFacts): boolean {
  const nodes = new Set<NodeId>();
  const staying = new Set<NodeId>();
  for (const [member, stage] of facts.stages) {
    if (stage >= STAGE.settled && stage < STAGE.gone) nodes.add(nodeOf(member));
    if (isStaying(stage) && (member === facts.self || !facts.isGivenUp(member))) {
      staying.add(nodeOf(member));
    }
  }
  let left = 0;
  for (const node of nodes) if (staying.has(node)) left++;
  return left * 2 > nodes.size;
}

/** Whether all who stay refuse all who leave: then none of the latter can read or write anything any more. */
function areLeaversUnanimous({ self, stages, told }: StageFacts): boolean {
  const entries = Array.from(stages);
  const leaving = entries.filter(([, stage]) => stage >= STAGE.leaving && stage < STAGE.gone);
  return leaving.every(([leaver]) =>
    entries.every(([other, stage]) =>
      other === self || !isStaying(stage) || (told.get(other)?.get(leaver) ?? 0) >= STAGE.leaving
    )
  );
}

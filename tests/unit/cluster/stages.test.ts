/** Whatever the order in which nodes hear of each other, join, and are given up: quorums of any two of them meet. */

import { assert, assertEquals } from "@std/assert";
import {
  dueMoves,
  firstStage,
  incarnationOf,
  isAsked,
  isVoter,
  type MemberKey,
  memberKey,
  nodeOf,
  STAGE,
  type Stage,
} from "../../../src/cluster/stages.ts";
import { SeededRandom, withSeed } from "../../support/seed.ts";

class Node {
  readonly stages = new Map<MemberKey, Stage>();
  readonly told = new Map<MemberKey, Map<MemberKey, Stage>>();
  readonly givenUp = new Set<MemberKey>();
  readonly gone = new Set<MemberKey>();

  constructor(public self: MemberKey) {
    this.stages.set(self, STAGE.known);
  }

  stageOf(member: MemberKey): Stage | undefined {
    return this.stages.get(member);
  }

  get isSettled(): boolean {
    return this.stages.get(this.self) === STAGE.settled;
  }

  membersAt(isWanted: (stage: Stage) => boolean): Set<MemberKey> {
    return new Set([...this.stages].flatMap(([member, stage]) => isWanted(stage) ? [member] : []));
  }

  /** Makes one move that is due; false when there is none. */
  moveOn(random: SeededRandom): boolean {
    if (this.stages.size === 1 && !this.isFounder) return false;
    const moves = dueMoves({
      self: this.self,
      stages: this.stages,
      told: this.told,
      isGivenUp: (member) => this.#isGivenUp(member),
    });
    if (moves.length === 0) return false;
    const { member, to } = random.pick(moves);
    this.stages.set(member, to);
    return true;
  }

  isFounder = false;

  hear(from: Node): void {
    this.#admit(from.self, STAGE.known);
    const told = this.told.get(from.self) ?? new Map<MemberKey, Stage>();
    for (const [member, stage] of from.stages) {
      this.#admit(member, stage);
      told.set(member, stage);
    }
    this.told.set(from.self, told);
  }

  /** Comes back after it was given up. */
  rejoin(): void {
    this.stages.set(this.self, STAGE.unvoted);
    this.self = memberKey(nodeOf(this.self), incarnationOf(this.self) + 1);
    this.stages.set(this.self, STAGE.known);
  }

  #isGivenUp(member: MemberKey): boolean {
    const isSuperseded = [...this.stages.keys()].some((other) =>
      nodeOf(other) === nodeOf(member) && incarnationOf(other) > incarnationOf(member)
    );
    return isSuperseded || this.givenUp.has(member);
  }

  #admit(member: MemberKey, told: Stage): void {
    if (this.stages.has(member)) return;
    const stage = firstStage(told);
    if (stage !== undefined) this.stages.set(member, stage);
  }
}

function idOf(number: number): string {
  return String(number).padStart(40, "0");
}

/** Can still have answers: nobody who counts refuses it. */
function isHeeded(node: Node, nodes: readonly Node[]): boolean {
  return nodes.every((other) => (other.stageOf(node.self) ?? STAGE.known) < STAGE.leaving);
}

/** What stages.ts promises of each reader and each writer. */
function assertMeet(reader: Node, writer: Node): void {
  const settled = reader.membersAt((stage) => stage === STAGE.settled);
  const voters = writer.membersAt(isVoter);
  for (const member of settled) {
    assert(
      voters.has(member),
      `${reader.self} relies on ${member}, whom ${writer.self} doesn't count`,
    );
  }
  const asked = reader.membersAt(isAsked);
  for (const voter of voters) {
    assert(asked.has(voter), `${writer.self} counts ${voter}, whom ${reader.self} doesn't ask`);
  }
}

/** Clusters that began apart owe each other nothing before they have become one. */
function assertAllMeet(nodes: readonly Node[], founders: number): void {
  const active = nodes.filter((node) => node.isSettled && isHeeded(node, nodes));
  for (const reader of active) {
    for (const writer of active) {
      const areOne = founders === 1 ||
        (reader.stageOf(writer.self) === STAGE.settled &&
          writer.stageOf(reader.self) === STAGE.settled);
      if (areOne) assertMeet(reader, writer);
    }
  }
}

/** Whether a majority stays when it dies. */
function canLose(victim: Node, nodes: readonly Node[]): boolean {
  const settled = nodes.filter((node) =>
    nodes.every((other) => other.stageOf(node.self) === STAGE.settled)
  );
  return settled.length > 2 && settled.includes(victim);
}

/** Nodes at random join, hear, move, give up and come back. */
function live(random: SeededRandom, steps: number, founders: number): Node[] {
  const nodes = [new Node(memberKey(idOf(1), 1))];
  (nodes[0] as Node).isFounder = true;
  const dead = new Set<Node>();
  for (let step = 0; step < steps; step++) {
    const alive = nodes.filter((node) => !dead.has(node));
    const node = random.pick(alive);
    const chance = random.below(100);
    if (chance < 3 && nodes.length < 6) {
      const joiner = new Node(memberKey(idOf(nodes.length + 1), 1));
      joiner.isFounder = nodes.length < founders; // a cluster of its own, that meets this one
      joiner.moveOn(random);
      nodes.push(joiner);
      if (!joiner.isFounder) joiner.hear(random.pick(alive));
    } else if (chance < 4) {
      const victim = random.pick(nodes);
      for (const other of nodes) if (random.oneIn(2)) other.givenUp.add(victim.self);
    } else if (chance < 5 && dead.size === 0 && canLose(node, nodes)) {
      dead.add(node);
      for (const other of nodes) other.givenUp.add(node.self);
    } else if (chance < 50) {
      const other = random.pick(alive);
      const isRefused = (other.stageOf(node.self) ?? 0) >= STAGE.leaving;
      if (isRefused) node.rejoin();
      else if (other !== node) node.hear(other);
    } else {
      node.moveOn(random);
    }
    assertAllMeet(nodes, founders);
  }
  return nodes.filter((node) => !dead.has(node));
}

/** Everybody hears everybody until nothing moves any more. */
function rest(nodes: readonly Node[], random: SeededRandom, founders: number): void {
  for (let round = 0; round < 40; round++) {
    for (const node of nodes) {
      for (const other of nodes) {
        if (other === node) continue;
        if ((other.stageOf(node.self) ?? 0) >= STAGE.leaving) node.rejoin();
        node.hear(other);
      }
      while (node.moveOn(random)) assertAllMeet(nodes, founders);
    }
  }
}

Deno.test("stages: the quorums of any two nodes meet at every moment", async () => {
  await withSeed(import.meta.url, (random) => {
    for (let history = 0; history < 150; history++) live(random, 400, 1 + history % 2);
    return Promise.resolve();
  });
});

Deno.test("stages: all who are left end settled, and nobody else is asked", async () => {
  await withSeed(import.meta.url, (random) => {
    for (let history = 0; history < 30; history++) {
      const founders = 1 + history % 2;
      const nodes = live(random, 300, founders);
      for (const node of nodes) {
        for (const member of [...node.givenUp]) {
          if (nodes.some((other) => other.self === member)) node.givenUp.delete(member);
        }
      }
      rest(nodes, random, founders);
      const expected = nodes.map((node) => node.self).sort();
      for (const node of nodes) {
        assertEquals([...node.membersAt(isAsked)].sort(), expected);
        assertEquals([...node.membersAt((stage) => stage === STAGE.settled)].sort(), expected);
      }
    }
    return Promise.resolve();
  });
});

Deno.test("stages: histories in which joiners once settled without those whom others rely on", () => {
  for (const seed of [23, 131, 139]) {
    const random = new SeededRandom(seed);
    for (let history = 0; history < 150; history++) live(random, 400, 1 + history % 2);
  }
});

Deno.test("stages: a minority gives nobody up", () => {
  const [one, two, three] = [1, 2, 3].map((number) => memberKey(idOf(number), 1)) as [
    MemberKey,
    MemberKey,
    MemberKey,
  ];
  const node = new Node(one);
  for (const member of [one, two, three]) node.stages.set(member, STAGE.settled);
  const moves = (givenUp: readonly MemberKey[]) =>
    dueMoves({
      self: one,
      stages: node.stages,
      told: node.told,
      isGivenUp: (member) => givenUp.includes(member),
    });
  assertEquals(moves([two, three]), []);
  assertEquals(moves([three]), [{ member: three, to: STAGE.leaving, syncWith: [] }]);
});

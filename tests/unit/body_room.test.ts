import { assertEquals, assertRejects } from "@std/assert";
import { BodyRoom } from "../../src/body_room.ts";
import { S3Error } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";

const PIECE = LIMITS.bodyBytesInMemory;

Deno.test("bodies share the room; of a long one only a piece counts", async () => {
  const room = new BodyRoom(2 * PIECE);
  const first = await room.take(100 * PIECE);
  const second = await room.take(undefined);
  let isIn = false;
  const third = room.take(1).then((held) => {
    isIn = true;
    return held;
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isIn, false);
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  second[Symbol.dispose]();
});

Deno.test("a room smaller than a piece still takes one body", async () => {
  const room = new BodyRoom(PIECE / 2);
  for (let n = 0; n < 3; n++) {
    using _held = await room.take(PIECE);
  }
});

Deno.test("who waits too long for room is told to slow down, and takes none", async () => {
  const room = new BodyRoom(PIECE);
  const held = await room.take(PIECE);
  const error = await assertRejects(() => room.take(1), S3Error);
  assertEquals(error.code, "SlowDown");
  held[Symbol.dispose]();
  (await room.take(PIECE))[Symbol.dispose]();
});

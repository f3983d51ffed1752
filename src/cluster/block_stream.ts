/** The bytes of a list of blocks, or a range of them, as a stream that holds two blocks at most. */

import type { ByteRange } from "../storage/object_store.ts";
import type { BlockRef } from "../storage/record.ts";
import type { BlockExchange } from "./block_exchange.ts";

/** A block of which a part is wanted. */
interface Piece {
  readonly block: BlockRef;
  readonly start: number;
  readonly end: number;
}

type Fetcher = Pick<BlockExchange, "fetch">;

/** Fetches only the blocks that the range touches; the next one while one is being sent. Ends with an error when one can't be had. */
export function readBlocks(
  blocks: readonly BlockRef[],
  fetcher: Fetcher,
  range?: ByteRange,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = piecesOf(blocks, range).values();
  let ahead = fetchNext(pieces, fetcher);
  return new ReadableStream({
    async pull(controller) {
      const bytes = await ahead;
      if (bytes === undefined) {
        controller.close();
        return;
      }
      ahead = fetchNext(pieces, fetcher);
      controller.enqueue(bytes);
    },
  }, { highWaterMark: 0 });
}

function fetchNext(
  pieces: ArrayIterator<Piece>,
  fetcher: Fetcher,
): Promise<Uint8Array<ArrayBuffer>> | undefined {
  const next = pieces.next();
  if (next.done) return undefined;
  const fetching = fetchPiece(next.value, fetcher);
  // A failure is thrown by the pull that awaits it; a reader who has gone doesn't want to know.
  fetching.catch(() => {});
  return fetching;
}

async function fetchPiece({ block, start, end }: Piece, fetcher: Fetcher) {
  const bytes = await fetcher.fetch(block);
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

/** Inclusive positions of the object → half-open ones of each block. */
export function piecesOf(blocks: readonly BlockRef[], range?: ByteRange): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const block of blocks) {
    const start = Math.max(0, (range?.start ?? 0) - at);
    const end = Math.min(block.size, (range?.end ?? Infinity) - at + 1);
    if (start < end) pieces.push({ block, start, end });
    at += block.size;
  }
  return pieces;
}

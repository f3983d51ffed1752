/** What somebody who typed a name that isn't known may have meant. */

/** The nearest of the words, if it is near enough to be meant: a third of the letters may differ, or what is typed begins one. */
export function findNearest(typed: string, words: readonly string[]): string | undefined {
  if (typed === "") return undefined;
  const begun = words.filter((word) => word.startsWith(typed) || typed.startsWith(word));
  const nearest = begun.length === 1 ? begun[0] : closest(typed.toLowerCase(), words);
  if (nearest === undefined || begun.includes(nearest)) return nearest;
  const distanceMax = Math.max(2, Math.floor(nearest.length / 3));
  return editDistance(typed, nearest) <= distanceMax ? nearest : undefined;
}

function closest(typed: string, words: readonly string[]): string | undefined {
  return words.toSorted((a, b) => editDistance(typed, a) - editDistance(typed, b))[0];
}

/** Levenshtein's: letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, length) => length);
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Numbers in what a command says. */

/** "1 object", "2 objects". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A bar on one line of a terminal. Where output isn't a terminal it prints nothing. */

export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Where a bar is drawn. */
export interface Screen {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const BAR_CELLS = 30;
const REDRAW_MS = 100;

/** Disposing erases the bar, so that what is printed next begins on a clean line. */
export class ProgressBar implements Disposable {
  readonly #screen: Screen;
  readonly #isShown: boolean;
  readonly #encoder = new TextEncoder();
  #drawnAt = -REDRAW_MS;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#isShown = screen.isTerminal();
  }

  show(progress: Progress, note: string): void {
    if (!this.#isShown || performance.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = performance.now();
    this.#write(`\r${barText(progress, note)}\x1b[K`);
  }

  /** Removes the bar until it is shown again: for a line to be printed in its place. */
  erase(): void {
    if (this.#isShown) this.#write("\r\x1b[K");
    this.#drawnAt = -REDRAW_MS;
  }

  [Symbol.dispose](): void {
    this.erase();
  }

  #write(text: string): void {
    this.#screen.writeSync(this.#encoder.encode(text));
  }
}

/** `[######------]  50% note`. With nothing to do it is full. */
export function barText({ done, total }: Progress, note: string): string {
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const cells = Math.floor(share * BAR_CELLS);
  const bar = "#".repeat(cells) + "-".repeat(BAR_CELLS - cells);
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)}% ${note}`;
}

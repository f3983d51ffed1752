/** The same test over http and over https: clients sign, frame and check bodies differently in each. */

import { Program } from "./program.ts";

export interface Running {
  readonly program: Program;
  readonly isTls: boolean;
  /** Runs a named part of the test; the first that fails doesn't stop the others. */
  readonly step: (name: string, part: () => Promise<void>) => Promise<void>;
}

/** Registers two tests, each with a server of its own. `ignore` skips both. */
export function testOverBothSchemes(
  name: string,
  run: (running: Running) => Promise<void>,
  options: { readonly ignore?: boolean; readonly flags?: readonly string[] } = {},
): void {
  for (const isTls of [false, true]) {
    Deno.test({
      name: `${name} over ${isTls ? "https" : "http"}`,
      ignore: options.ignore ?? false,
      fn: async (test) => {
        await using program = await Program.start({ isTls, flags: options.flags ?? [] });
        await run({
          program,
          isTls,
          step: async (name, part) => void await test.step(name, part),
        });
      },
    });
  }
}

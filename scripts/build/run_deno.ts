/** Runs the Deno that runs this script. */

export class DenoFailed extends Error {
  constructor(command: string, readonly said: string) {
    super(`deno ${command} failed:\n${said}`);
  }
}

/** What it printed, both streams. `without` are variables that it isn't to see. Throws DenoFailed when it ends with another code than 0. */
export async function runDeno(
  words: readonly string[],
  cwd: string,
  without: readonly string[] = [],
): Promise<string> {
  const variables = Object.entries(Deno.env.toObject()).filter(([name]) => !without.includes(name));
  const command = new Deno.Command(Deno.execPath(), {
    args: [...words],
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(variables), NO_COLOR: "1" },
  });
  const { success, stdout, stderr } = await command.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new DenoFailed(words[0] ?? "", said.trim());
  return said;
}

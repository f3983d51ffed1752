/** Other programs that the checks ask. */

/** What can't be checked on this machine, and why. */
export class Skipped extends Error {}

export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What it printed, both streams. Throws Skipped when it isn't installed, Error when it ends with another code than 0. */
export async function runTool(
  name: string,
  args: readonly string[],
  { environment = {}, cwd }: ToolOptions = {},
): Promise<string> {
  try {
    const command = new Deno.Command(name, {
      args: [...args],
      env: environment,
      ...(cwd === undefined ? {} : { cwd }),
    });
    const { code, stdout, stderr } = await command.output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
    if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}:\n${said}`);
    return said;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Skipped(`${name} isn't installed`);
    throw error;
  }
}

/** A folder with the program's sources and nothing else, the commit written into them: what bundles and binaries are made of. */

const ROOT = new URL("../../", import.meta.url);
const SOURCES = ["main.ts", "deno.json", "deno.lock"];
const COMMIT_LINE = 'export const COMMIT: string = "";';

/** Gone when it is disposed. */
export class Stage implements AsyncDisposable {
  readonly dir: string;
  /** "" when there is no git here. */
  readonly commit: string;

  static async make(): Promise<Stage> {
    const commit = await findCommit();
    const dir = await Deno.makeTempDir({ prefix: "zs3-build-" });
    const stage = new Stage(dir, commit);
    try {
      for (const name of SOURCES) await Deno.copyFile(new URL(name, ROOT), `${dir}/${name}`);
      await copySources(new URL("src/", ROOT), `${dir}/src`);
      await writeCommit(`${dir}/src/version.ts`, commit);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  private constructor(dir: string, commit: string) {
    this.dir = dir;
    this.commit = commit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function copySources(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copySources(new URL(`${name}/`, from), `${to}/${name}`);
    else if (name.endsWith(".ts")) await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

async function writeCommit(path: string, commit: string): Promise<void> {
  const source = await Deno.readTextFile(path);
  if (!source.includes(COMMIT_LINE)) throw new Error(`${path} has no line ${COMMIT_LINE}`);
  await Deno.writeTextFile(
    path,
    source.replace(COMMIT_LINE, COMMIT_LINE.replace('""', `"${commit}"`)),
  );
}

/** Twelve digits, and whether the sources are other than they were then; or what ZS3_COMMIT says. "" without git. */
async function findCommit(): Promise<string> {
  const commit = Deno.env.get("ZS3_COMMIT") || await git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) return "";
  const changes = await git("status", "--porcelain", "--", "main.ts", "src", "deno.json");
  return changes === "" ? commit : `${commit}, changed`;
}

async function git(...words: readonly string[]): Promise<string | undefined> {
  try {
    const command = new Deno.Command("git", { args: [...words], cwd: ROOT, stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Dockerfile and compose file: linters, and the container's command and health check by hand. */

import { runByHand } from "./by_hand.ts";
import { VARIABLES } from "./expect.ts";
import { INSTALLED, type StandIn } from "./stand_in.ts";
import { runTool, Skipped } from "./tool.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DOCKERFILE = new URL("Dockerfile", import.meta.url).pathname;
const COMPOSE = new URL("compose.yaml", import.meta.url).pathname;

export async function lintDockerfile(): Promise<void> {
  await runTool("hadolint", ["--failure-threshold=style", DOCKERFILE]);
}

/** Not root, a volume for the data, sources that exist: what no linter knows. */
export async function checkDockerfile(): Promise<void> {
  const lines = await instructions();
  const final = lines.slice(lines.findLastIndex(({ name }) => name === "FROM"));
  const [user = ""] = wordsOf(final, "USER");
  if (!/^[1-9]\d*:[1-9]\d*$/.test(user)) throw new Error(`it runs as ${user}`);
  const dataDir = wordsOf(final, "ENV").join(" ").replace("ZS3_DATA_DIR=", "");
  if (wordsOf(final, "VOLUME").join() !== dataDir) throw new Error("the data aren't in the volume");
  for (const { name, text } of lines) {
    if (name !== "COPY" || text.startsWith("--from")) continue;
    for (const source of text.split(" ").slice(0, -1)) await Deno.stat(ROOT + source);
  }
}

export async function runContainerByHand(standIn: StandIn): Promise<string> {
  const lines = await instructions();
  const entry = [...jsonOf(lines, "ENTRYPOINT"), ...jsonOf(lines, "CMD")];
  const health = jsonOf(lines, "HEALTHCHECK");
  const busybox = await hasBusybox();
  const dir = await Deno.makeTempDir();
  try {
    await runByHand({
      command: entry.map((word) => word.replace(INSTALLED, standIn.program)),
      environment: { ZS3_DATA_DIR: dir },
      whileRunning: async (url) => {
        if (!busybox) return;
        const words = health.map((word) => word.replace("http://127.0.0.1:9000", url));
        await runTool("busybox", words.slice(1));
        await expectFailure(
          words.slice(1).map((word) => word.replace("/minio/health/", "/minio/unhealthy/")),
        );
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  return busybox ? "with its health check" : "without its health check: busybox isn't installed";
}

async function expectFailure(words: readonly string[]): Promise<void> {
  const isFine = await runTool("busybox", words).then(() => true, () => false);
  if (isFine) throw new Error("the health check succeeds whatever the server answers");
}

async function hasBusybox(): Promise<boolean> {
  try {
    await runTool("busybox", ["true"]);
    return true;
  } catch (error) {
    if (error instanceof Skipped) return false;
    throw error;
  }
}

/** By `docker-compose config` or its successor, which know the schema; the secret has no default. */
export async function checkCompose(): Promise<void> {
  const said = await compose(VARIABLES);
  const { MINIO_ROOT_USER, MINIO_ROOT_PASSWORD, ZS3_BUCKETS } = VARIABLES;
  for (const text of [MINIO_ROOT_USER, MINIO_ROOT_PASSWORD, ZS3_BUCKETS, "9000"]) {
    if (!said.includes(text)) throw new Error(`${text} isn't in:\n${said}`);
  }
  const isLax = await compose({ MINIO_ROOT_PASSWORD: "" }).then(() => true, () => false);
  if (isLax) throw new Error("it starts without a secret");
  const health = jsonOf(await instructions(), "HEALTHCHECK");
  if (!health.every((word) => said.includes(`- ${word}`))) {
    throw new Error("the health checks of Dockerfile and compose file differ");
  }
}

async function compose(environment: Readonly<Record<string, string>>): Promise<string> {
  try {
    return await runTool("docker-compose", ["--file", COMPOSE, "config"], { environment });
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    return await runTool("docker", ["compose", "--file", COMPOSE, "config"], { environment });
  }
}

/** Throws Skipped where no daemon answers. */
export async function buildImage(): Promise<void> {
  try {
    await runTool("docker", ["info"]);
  } catch (error) {
    if (error instanceof Skipped) throw error;
    throw new Skipped("no Docker daemon answers", { cause: error });
  }
  await runTool("docker", ["build", "--file", DOCKERFILE, ROOT]);
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

async function instructions(): Promise<Instruction[]> {
  const text = (await Deno.readTextFile(DOCKERFILE)).replaceAll("\\\n", " ");
  return text.split("\n").filter((line) => /^[A-Z]/.test(line)).map((line) => {
    const [name = "", ...rest] = line.split(/\s+/);
    return { name, text: rest.join(" ") };
  });
}

function wordsOf(lines: readonly Instruction[], name: string): string[] {
  return lines.filter((line) => line.name === name).flatMap(({ text }) => text.split(" "));
}

/** The list in brackets of the one instruction of that name. */
function jsonOf(lines: readonly Instruction[], name: string): string[] {
  const text = lines.find((line) => line.name === name)?.text ?? "";
  return JSON.parse(text.slice(text.indexOf("[")));
}

/** Other servers: where they are found, how they are started, and how to install them. */

import type { Credentials } from "../../tests/suites/http_store/signer.ts";
import { UsageError } from "../../src/config/usage_error.ts";

export interface Peer {
  readonly name: string;
  readonly program: string;
  readonly credentials: Credentials;
  readonly flags: (port: number, dataDir: string) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

interface PeerKind extends Omit<Peer, "program"> {
  readonly find: () => Promise<string | undefined>;
  readonly install: string;
}

const USUAL: Credentials = {
  accessKey: "minioadmin",
  secretKey: "minioadmin",
  region: "us-east-1",
};

const KINDS: readonly PeerKind[] = [
  {
    name: "versitygw",
    credentials: USUAL,
    flags: (port, dataDir) => [
      ...["--port", `127.0.0.1:${port}`, "--keep-alive"],
      ...["--access", USUAL.accessKey, "--secret", USUAL.secretKey, "posix", dataDir],
    ],
    environment: {},
    find: () => findProgram("versitygw"),
    install: "go install github.com/versity/versitygw/cmd/versitygw@latest",
  },
  {
    name: "minio",
    credentials: USUAL,
    flags: (port, dataDir) => ["server", dataDir, "--address", `127.0.0.1:${port}`],
    environment: { MINIO_ROOT_USER: USUAL.accessKey, MINIO_ROOT_PASSWORD: USUAL.secretKey },
    find: () => findProgram("minio"),
    install: "go install github.com/minio/minio@latest",
  },
  {
    name: "s3rver",
    credentials: { accessKey: "S3RVER", secretKey: "S3RVER", region: "us-east-1" },
    flags: (port, dataDir) => ["-d", dataDir, "-a", "127.0.0.1", "-p", String(port)],
    // Its continuation tokens need a cipher that OpenSSL calls old.
    environment: { NODE_OPTIONS: "--openssl-legacy-provider" },
    find: async () =>
      await findProgram("s3rver") ??
        await outputOf("npx", ["-y", "-p", "s3rver", "sh", "-c", "command -v s3rver"]),
    install: "npm install --global s3rver",
  },
];

/** Those asked for, which must all be there, or all that are. Throws UsageError. */
export async function findPeers(wanted: "auto" | readonly string[]): Promise<Peer[]> {
  const unknown = wanted === "auto"
    ? undefined
    : wanted.find((name) => !KINDS.some((kind) => kind.name === name));
  if (unknown !== undefined) {
    const known = KINDS.map(({ name }) => name).join(", ");
    throw new UsageError(`there is no peer ${unknown}: there are ${known}`);
  }
  const peers: Peer[] = [];
  for (const { find, install, ...kind } of KINDS) {
    if (wanted !== "auto" && !wanted.includes(kind.name)) continue;
    const program = await find();
    if (program !== undefined) peers.push({ ...kind, program });
    else if (wanted !== "auto") throw new UsageError(`${kind.name} isn't installed: ${install}`);
  }
  return peers;
}

/** On the path, or where `go install` puts it. */
async function findProgram(name: string): Promise<string | undefined> {
  const found = await outputOf("sh", ["-c", 'command -v "$0"', name]);
  if (found !== undefined) return found;
  const goPath = await outputOf("go", ["env", "GOPATH"]);
  return goPath === undefined
    ? undefined
    : await outputOf("sh", ["-c", 'command -v "$0"', `${goPath}/bin/${name}`]);
}

async function outputOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    const command = new Deno.Command(program, { args, stderr: "null" });
    const { code, stdout } = await command.output();
    const text = new TextDecoder().decode(stdout).trim();
    return code === 0 && text !== "" ? text : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

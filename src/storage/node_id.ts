/** Who this node is, for as long as its data dir lives: 160 random bits in `.node_id`. */

import { Buffer } from "node:buffer";
import { type Random, systemRandom } from "../clock.ts";
import { diskFiles, type Files } from "./files.ts";

export interface NodeIdOptions {
  /** Absolute path of an existing folder that this process alone uses. */
  readonly dataDir: string;
  readonly files?: Files;
  readonly random?: Random;
}

const ID_BYTES = 20;
/** With or without the newline: somebody may have written it with an editor. */
const TEXT = /^([0-9a-f]{40})\n?$/;
const TEXT_BYTES_MAX = 100;

/** The id in 40 hex digits; a new one, durable before it is given, when there is none. Throws when the file has anything else in it. */
export async function openNodeId(options: NodeIdOptions): Promise<string> {
  const { dataDir, files = diskFiles, random = systemRandom } = options;
  const path = `${dataDir}/.node_id`;
  const known = readText(path, files);
  if (known === undefined) return await makeNodeId(dataDir, path, files, random);
  const id = TEXT.exec(known)?.[1];
  if (id !== undefined) return id;
  throw new Error(
    `${path} isn't a node's id (40 hex digits): restore it, or remove it to join the cluster as a new node`,
  );
}

async function makeNodeId(
  dataDir: string,
  path: string,
  files: Files,
  random: Random,
): Promise<string> {
  const id = Buffer.from(random.bytes(ID_BYTES)).toString("hex");
  const temp = `${path}.new`;
  files.remove(temp);
  {
    using file = files.create(temp);
    file.writeSync(Buffer.from(`${id}\n`));
    await file.sync();
  }
  files.rename(temp, path);
  await files.sync(dataDir);
  return id;
}

function readText(path: string, files: Files): string | undefined {
  using file = files.open(path);
  if (file === undefined) return undefined;
  const buffer = Buffer.alloc(TEXT_BYTES_MAX);
  const length = file.readSync(buffer);
  return buffer.toString("latin1", 0, length);
}

/** The bucket that is written to while the server is killed, and what is known of it. */

import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { AwsClient } from "../../support/aws_client.ts";
import { md5, patternBytes, sha256 } from "../../support/bytes.ts";
import type { SeededRandom } from "../../support/seed.ts";
import { KeyHistory, type Version } from "./history.ts";

const KiB = 1024;

export const BUCKET = "crash";

/** Few, so that writers race; they collide in the ways that a folder tree knows. */
const KEYS = [
  "plain.txt",
  "dir",
  "dir/",
  "dir/file",
  "dir/sub/file",
  "a//b",
  "größe 日本",
  "y".repeat(300),
  "only/one/in/here",
];

/** Never written again: copies are made of them. */
const SOURCES = { "source/small": 3000, "source/large": 300 * KiB };

export interface Upload {
  readonly key: string;
  readonly id: string;
  /** Part number → what its object would be, of the parts that were acknowledged. */
  readonly parts: Map<number, Part>;
  /** From then on it may be over. */
  isEnding: boolean;
}

export interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

export interface Source {
  readonly key: string;
  readonly version: Version;
}

export class World {
  readonly keys: readonly string[] = KEYS;
  readonly histories = new Map<string, KeyHistory>();
  readonly sources: readonly Source[];
  readonly uploads = new Map<string, Upload>();
  #versions = 0;

  private constructor(sources: readonly Source[]) {
    this.sources = sources;
    for (const key of KEYS) this.histories.set(key, new KeyHistory(undefined));
    for (const { key, version } of sources) this.histories.set(key, new KeyHistory(version));
  }

  static async make(client: AwsClient): Promise<World> {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const sources = [];
    for (const [Key, size] of Object.entries(SOURCES)) {
      const Body = patternBytes(size, size);
      const version = versionOf(Key.replace("/", "-"), Body);
      await client.send(
        new PutObjectCommand({ Bucket: BUCKET, Key, Body, Metadata: { version: version.id } }),
      );
      sources.push({ key: Key, version });
    }
    return new World(sources);
  }

  history(key: string): KeyHistory {
    const history = this.histories.get(key);
    if (history === undefined) throw new Error(`nobody writes ${key}`);
    return history;
  }

  newVersionId(): string {
    return `v${++this.#versions}`;
  }

  newBody(random: SeededRandom): Uint8Array<ArrayBuffer> {
    const sizes = [0, 1, 1000, 5000, 64 * KiB, 64 * KiB + 1, 200 * KiB, 600 * KiB];
    return patternBytes(random.pick(sizes), random.below(2 ** 31));
  }
}

export function versionOf(id: string, bytes: Uint8Array): Version {
  return { id, size: bytes.length, sha256: sha256(bytes), etag: md5(bytes) };
}

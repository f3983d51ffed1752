/** The JavaScript SDK pointed at a running program. */

import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { Agent } from "node:https";
import type { Program } from "./program.ts";

export const DEFAULT_KEYS = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" } as const;

/** One attempt per call: a test must see the first answer. Disposing closes its connections. */
export class AwsClient extends S3Client implements Disposable {
  constructor(program: Pick<Program, "url" | "authorityFile">, config: S3ClientConfig = {}) {
    super({
      endpoint: program.url,
      region: "us-east-1",
      credentials: DEFAULT_KEYS,
      forcePathStyle: true,
      maxAttempts: 1,
      ...(program.authorityFile === undefined
        ? {}
        : { requestHandler: { httpsAgent: trustingAgent(program.authorityFile) } }),
      ...config,
    });
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** For https clients of node: trusts the program's authority, and no other. */
export function trustingAgent(authorityFile: string): Agent {
  return new Agent({ ca: Deno.readTextFileSync(authorityFile), keepAlive: true });
}

/** What every appliance must give, whatever starts it. */

import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

export const READY_LINE = /^zs3 ready (\S+)\n/m;

const HEALTH_PATHS = ["/_zs3/health", "/minio/health/live", "/minio/health/ready"];

/** The variables of all checks: MinIO's for the keys, a port that is free. */
export const VARIABLES = {
  MINIO_ROOT_USER: "someone",
  MINIO_ROOT_PASSWORD: "a-long-secret",
  ZS3_BUCKETS: "photos:public,private",
  ZS3_PORT: "0",
};
/** More than fits into the catalog: it has threads and files at work. */
const OBJECT_BYTES = 1024 * 1024;

/** Health answers, the buckets are there, one of them open to all, and an object comes back as it was put. */
export async function expectService(url: string): Promise<void> {
  for (const path of HEALTH_PATHS) await expectStatus(url + path, 200);
  await expectStatus(`${url}/photos?list-type=2`, 200);
  await expectStatus(`${url}/private?list-type=2`, 403);
  await expectObject(url);
}

async function expectObject(url: string): Promise<void> {
  const client = new S3Client({
    endpoint: url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: {
      accessKeyId: VARIABLES.MINIO_ROOT_USER,
      secretAccessKey: VARIABLES.MINIO_ROOT_PASSWORD,
    },
  });
  try {
    const target = { Bucket: "private", Key: "folder/object" };
    const put = new Uint8Array(OBJECT_BYTES).fill(7);
    await client.send(new PutObjectCommand({ ...target, Body: put }));
    const { Body } = await client.send(new GetObjectCommand(target));
    const got = await Body?.transformToByteArray();
    if (got?.length !== OBJECT_BYTES || got.some((byte) => byte !== 7)) {
      throw new Error("an object didn't come back as it was put");
    }
  } finally {
    client.destroy();
  }
}

async function expectStatus(url: string, status: number): Promise<void> {
  const reply = await fetch(url);
  await reply.body?.cancel();
  if (reply.status !== status) throw new Error(`${url} answered ${reply.status}, not ${status}`);
}

export function expectCode(code: number, what: string): void {
  if (code !== 0) throw new Error(`${what} ended with ${code}`);
}

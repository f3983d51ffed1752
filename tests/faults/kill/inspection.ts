/** Looks through a server that was killed and started again: is what it holds what its clients were told? */

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  NoSuchKey,
} from "@aws-sdk/client-s3";
import { assert, assertEquals } from "@std/assert";
import type { AwsClient } from "../../support/aws_client.ts";
import { sha256 } from "../../support/bytes.ts";
import { filesBelow } from "../../support/tree.ts";
import type { KeyHistory, State } from "./history.ts";
import { completeUpload } from "./writer.ts";
import { BUCKET, type World } from "./world.ts";

/**
 * After a clean stop: no body is left over, and the bucket's folder has one file for each object that `inspectObjects`
 * found.
 */
export async function inspectFolders(world: World, dataDir: string): Promise<void> {
  assertEquals(await namesBelow(`${dataDir}/.tmp`), [], "left over in .tmp");
  const files = await namesBelow(`${dataDir}/${BUCKET}`);
  const objects = [...world.histories.values()].flatMap((history) =>
    history.possible().flatMap((state) => state?.id ?? [])
  );
  assertEquals(files.length, objects.length, `files ${files} for the versions ${objects}`);
}

/** Settles every key's history with what is found. Throws what is wrong. */
export async function inspectObjects(world: World, client: AwsClient): Promise<void> {
  await checkObjects(world, client);
  await checkUploads(world, client);
  await checkObjects(world, client);
}

/** Moments before and after a copy was made, by key. */
export interface Period {
  readonly from: ReadonlyMap<string, number>;
  readonly to: ReadonlyMap<string, number>;
}

export function momentOf(world: World): Map<string, number> {
  return new Map(Array.from(world.histories, ([key, history]) => [key, history.now]));
}

/** Of a server that has a copy: each key holds what it may have held while that was made. Its unfinished uploads can be completed. */
export async function inspectCopy(
  world: World,
  client: AwsClient,
  { from, to }: Period,
): Promise<void> {
  await checkEach(
    world,
    client,
    (key, history) => history.possibleBetween(from.get(key) ?? 0, to.get(key) ?? 0),
  );
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  for (const { Key, UploadId } of Uploads) {
    const target = { Bucket: BUCKET, Key, UploadId };
    const { Parts = [] } = await client.send(new ListPartsCommand(target));
    if (Parts.length === 0) continue;
    const MultipartUpload = { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) };
    await client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload }));
  }
}

/** Each key holds what it may. */
async function checkObjects(world: World, client: AwsClient): Promise<void> {
  const found = await checkEach(world, client, (_, history) => history.possible());
  for (const [key, history] of world.histories) history.settle(found.get(key));
}

/** LIST says the same as GET, which is returned. */
async function checkEach(
  world: World,
  client: AwsClient,
  possibleOf: (key: string, history: KeyHistory) => readonly State[],
): Promise<Map<string, State>> {
  const listed = await listObjects(client);
  const all = new Map<string, State>();
  for (const [key, history] of world.histories) {
    const found = await readObject(client, key);
    const possible = possibleOf(key, history);
    assert(
      possible.some((state) => isSame(state, found)),
      `${key} holds ${describe(found)}; it may hold ${possible.map(describe).join(" or ")}`,
    );
    assertEquals(listed.get(key), found && `${found.etag} ${found.size}`, `${key} in the listing`);
    listed.delete(key);
    all.set(key, found);
  }
  assertEquals([...listed.keys()], [], "objects that nobody wrote");
  return all;
}

async function readObject(client: AwsClient, key: string): Promise<State> {
  try {
    const { Body, ETag = "", Metadata, ContentLength } = await client.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: key }),
    );
    const bytes = await Body?.transformToByteArray() ?? new Uint8Array();
    assertEquals(ContentLength, bytes.length);
    const id = Metadata?.["version"] ?? "without a version";
    return { id, size: bytes.length, sha256: sha256(bytes), etag: ETag.replaceAll('"', "") };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** Key → ETag and size. */
async function listObjects(client: AwsClient): Promise<Map<string, string>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return new Map(Contents.map(({ Key = "", ETag = "", Size }) => [
    Key,
    `${ETag.replaceAll('"', "")} ${Size}`,
  ]));
}

/** Uploads that weren't over can be completed from the parts that were acknowledged. Leaves none. */
async function checkUploads(world: World, client: AwsClient): Promise<void> {
  for (const [UploadId, upload] of world.uploads) {
    if (upload.isEnding) continue;
    const { Parts = [] } = await client.send(
      new ListPartsCommand({ Bucket: BUCKET, Key: upload.key, UploadId }),
    );
    const kept = new Set(Parts.map(({ PartNumber, ETag }) => `${PartNumber} ${ETag}`));
    for (const [number, { etag }] of upload.parts) {
      assert(kept.has(`${number} "${etag}"`), `part ${number} of ${UploadId} is lost`);
    }
    if (upload.parts.size > 0) await completeUpload(world, client, upload, UploadId);
  }
  world.uploads.clear();
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  for (const { Key, UploadId } of Uploads) {
    await client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }));
  }
}

async function namesBelow(dir: string): Promise<string[]> {
  return await Array.fromAsync(filesBelow(dir));
}

function isSame(a: State, b: State): boolean {
  return describe(a) === describe(b);
}

function describe(state: State): string {
  if (state === undefined) return "nothing";
  return `${state.id} (${state.size} bytes, ETag ${state.etag}, SHA-256 ${state.sha256})`;
}

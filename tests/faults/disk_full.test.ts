/** A data dir on a disk that fills up: writes are refused, all else goes on, and nothing that was stored is lost. */

import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { assert, assertEquals } from "@std/assert";
import type { Durability } from "../../src/storage/catalog.ts";
import { AwsClient } from "../support/aws_client.ts";
import { patternBytes, sha256 } from "../support/bytes.ts";
import { Program } from "../support/program.ts";
import { type DiskKind, isMountable, SmallDisk } from "../support/small_disk.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const DISK_MIB = 32;
/** No disk of that size takes more. */
const PUTS_MAX = 20_000;
const PUTS_AT_ONCE = 4;
const SIZES = [3 * MiB, 100 * KiB, 1000];
const Bucket = "filling";

interface Case {
  readonly disk: DiskKind;
  readonly durability: Durability;
}

const CASES: readonly Case[] = [
  { disk: "tmpfs", durability: "strict" },
  { disk: "ext4", durability: "strict" },
  { disk: "ext4", durability: "relaxed" },
];

const mountable = new Map<DiskKind, boolean>();
for (const disk of ["tmpfs", "ext4"] as const) mountable.set(disk, await isMountable(disk));

for (const { disk, durability } of CASES) {
  const ignore = mountable.get(disk) !== true;
  Deno.test({
    name: `a full disk refuses writes and loses nothing, ${disk}, ${durability}`,
    ignore,
    fn: () => fillAndFree(disk, durability),
  });
}

async function fillAndFree(kind: DiskKind, durability: Durability): Promise<void> {
  await using disk = await SmallDisk.mount(kind, DISK_MIB);
  const options = {
    dataDir: `${disk.path}/data`,
    flags: [`--durability=${durability}`, `--buckets=${Bucket}`],
  };
  const stored = new Stored();
  {
    await using program = await Program.start(options);
    using client = new AwsClient(program);
    await fill(client, stored);
    await assertPartIsRefused(client);
    await stored.assertAllThere(client);
    await withNoRoomAtAll(disk.path, async () => {
      for (const size of SIZES) assertEquals(await stored.put(client, "none", size), false);
      await stored.assertAllThere(client);
    });
    assertQuietLog(program.stderr);
    program.signal("SIGKILL");
    await program.ended();
  }
  await using program = await Program.start(options);
  using client = new AwsClient(program);
  await stored.assertAllThere(client);
  await free(client, stored);
  await stored.assertAllThere(client);
  assertQuietLog(program.stderr);
  const { code } = await program.stop();
  assertEquals(code, 0);
  assertEquals(await namesIn(`${options.dataDir}/.tmp`), []);
}

/** What the server said it has stored. */
class Stored {
  readonly #hashes = new Map<string, string>();

  get keys(): string[] {
    return [...this.#hashes.keys()];
  }

  /** False when it was refused for want of room. */
  async put(client: AwsClient, Key: string, size: number): Promise<boolean> {
    const Body = patternBytes(size, this.#hashes.size + size);
    const isDone = await hasRoom(client.send(new PutObjectCommand({ Bucket, Key, Body })));
    if (isDone) this.#hashes.set(Key, sha256(Body));
    return isDone;
  }

  async delete(client: AwsClient, Key: string): Promise<void> {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    this.#hashes.delete(Key);
  }

  async assertAllThere(client: AwsClient): Promise<void> {
    for (const [Key, hash] of this.#hashes) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = await Body?.transformToByteArray() ?? new Uint8Array();
      assertEquals(sha256(bytes), hash, Key);
    }
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, ContinuationToken: token }),
      );
      names.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    assertEquals(names, this.keys.sort());
  }
}

/** With ever smaller objects, until none fits. */
async function fill(client: AwsClient, stored: Stored): Promise<void> {
  assert(await stored.put(client, "kept", 1000));
  for (const size of SIZES) {
    let count = 0;
    let hasRoom = true;
    const fillOn = async () => {
      while (hasRoom && count < PUTS_MAX) {
        if (!await stored.put(client, `${size}/${count++}`, size)) hasRoom = false;
      }
    };
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, fillOn));
    assert(!hasRoom, `${count} objects of ${size} bytes found room`);
  }
  // The old object stays when the new one has no room.
  await stored.put(client, "kept", 200 * KiB);
}

/** While another program has taken what the server leaves free. */
async function withNoRoomAtAll(disk: string, run: () => Promise<void>): Promise<void> {
  const path = `${disk}/another program's`;
  using file = await Deno.open(path, { write: true, createNew: true });
  const block = new Uint8Array(4096);
  try {
    for (;;) file.writeSync(block);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
  }
  await run();
  await Deno.remove(path);
}

/** A part, too, has no room; its upload can be aborted all the same. */
async function assertPartIsRefused(client: AwsClient): Promise<void> {
  const target = { Bucket, Key: "upload" };
  let UploadId: string | undefined;
  const created = client.send(new CreateMultipartUploadCommand(target)).then((upload) => {
    UploadId = upload.UploadId;
  });
  if (!await hasRoom(created)) return;
  const Body = patternBytes(5 * MiB);
  const part = client.send(
    new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body }),
  );
  assertEquals(await hasRoom(part), false);
  await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
}

/** Deleting needs no room, and makes some. */
async function free(client: AwsClient, stored: Stored): Promise<void> {
  const [large = "", ...others] = stored.keys.filter((key) => key !== "kept");
  await stored.delete(client, large);
  assert(await stored.put(client, "in its place", MiB), "what was just deleted left no room");
  for (const key of others) await stored.delete(client, key);
  for (const size of SIZES) {
    assert(await stored.put(client, `again/${size}`, size));
  }
}

async function hasRoom(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    assertEquals([error.name, error.$metadata.httpStatusCode], ["StorageFull", 507]);
    return false;
  }
}

/** A full disk is an answer to clients, not a fault to report again and again. */
function assertQuietLog(stderr: string): void {
  const faults = stderr.split("\n").filter((line) => line.includes(" fault: "));
  assert(
    faults.length <= 10,
    `${faults.length} faults, the first: ${faults.slice(0, 3).join("\n")}`,
  );
}

async function namesIn(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
}

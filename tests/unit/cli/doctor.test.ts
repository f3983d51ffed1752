import { assert, assertEquals, assertMatch } from "@std/assert";
import { judgeClock, judgeSpace } from "../../../src/doctor/data_dir.ts";
import { type FileSystem, findMountOf, judgeFileSystem } from "../../../src/doctor/file_system.ts";
import { findingLine, joinFindings } from "../../../src/doctor/finding.ts";
import { judgeExpiry, judgeOpenFiles } from "../../../src/doctor/machine.ts";
import { judgeSyncs, timeSyncs } from "../../../src/doctor/sync_speed.ts";
import { TempDir } from "../../support/temp_dir.ts";

const MOUNTS = [
  "21 1 254:0 / / rw,relatime - ext4 /dev/root rw,data=ordered,nobarrier",
  "30 21 0:25 / /srv rw - tmpfs tmpfs rw,size=10%",
  "31 30 0:26 / /srv/my\\040disk rw,noatime - xfs /dev/sda1 rw",
  "32 21 0:27 / /srv rw - nfs4 host:/x rw,vers=4.2",
].join("\n");

Deno.test("a path lies on the deepest mount, and of two at one place on the later", () => {
  const nameOf = (path: string) => findMountOf(MOUNTS, path)?.name;
  assertEquals(nameOf("/home/x"), "ext4");
  assertEquals(nameOf("/srv"), "nfs4");
  assertEquals(nameOf("/srvx"), "ext4");
  assertEquals(nameOf("/srv/my disk/data"), "xfs");
  assertEquals(findMountOf(MOUNTS, "/")?.options, "rw,relatime,data=ordered,nobarrier");
  assertEquals(findMountOf("", "/"), undefined);
});

const PLAIN: FileSystem = {
  name: "ext4",
  options: "rw",
  isJournaled: true,
  isRotating: undefined,
};

const FILE_SYSTEMS: readonly (readonly [Partial<FileSystem>, state: string, text: RegExp])[] = [
  [{}, "ok", /ext4 \(rw\), journaled/],
  [{ isJournaled: false }, "note", /no journal/],
  [{ isJournaled: undefined }, "ok", /ext4 \(rw\)$/],
  [{ options: "rw,nobarrier" }, "bad", /without barriers/],
  [{ name: "tmpfs" }, "bad", /memory/],
  [{ name: "overlay" }, "note", /container/],
  [{ name: "nfs4" }, "note", /another program's word/],
  [{ name: "fuse.sshfs" }, "note", /another program's word/],
  [{ name: undefined }, "ok", /not known/],
  [{ isRotating: true }, "ok", /on a turning disk/],
];

for (const [part, state, text] of FILE_SYSTEMS) {
  Deno.test(`doctor on the file system ${JSON.stringify(part)}`, () => {
    const finding = judgeFileSystem({ ...PLAIN, ...part });
    assertEquals(finding.state, state);
    assertMatch(finding.text, text);
  });
}

const DISK = { isInMemory: false, isRotating: undefined, isStrict: true };
const SYNCS: readonly (readonly [ms: number, Partial<typeof DISK> | object, string, RegExp])[] = [
  [0.35, {}, "ok", /350 µs .*plausible$/],
  [0.002, {}, "bad", /fsync does nothing here/],
  [0.002, { isStrict: false }, "note", /fsync does nothing here/],
  [0.002, { isInMemory: true }, "note", /outlives/],
  [0.3, { isRotating: true }, "note", /faster than a disk turns/],
  [8, { isRotating: true }, "ok", /8\.0 ms .*plausible$/],
  [120, {}, "note", /every write waits/],
];

for (const [ms, part, state, text] of SYNCS) {
  Deno.test(`doctor on an fsync of ${ms} ms, ${JSON.stringify(part)}`, () => {
    const finding = judgeSyncs([ms, ms, ms * 10], { ...DISK, ...part });
    assertEquals(finding.state, state);
    assertMatch(finding.text, text);
  });
}

Deno.test("syncs are timed one by one", async () => {
  await using temp = await TempDir.make();
  const times = timeSyncs(`${temp.path}/probe`);
  assert(times.length >= 1 && times.every((time) => time > 0), times.join());
});

Deno.test("doctor's other judgements", () => {
  const now = Date.UTC(2026, 5, 1);
  const space = { totalBytes: 1e12, freeBytes: 5e11, totalFiles: 1e6, freeFiles: 1e5 };
  for (
    const [finding, state] of [
      [judgeClock(now, now - 1000), "ok"],
      [judgeClock(now, 0), "ok"],
      [judgeClock(now, now + 60_000), "bad"],
      [judgeClock(1000, 0), "bad"],
      [judgeSpace(space), "ok"],
      [judgeSpace({ ...space, freeBytes: 1e6 }), "bad"],
      [judgeSpace({ ...space, freeFiles: 10 }), "bad"],
      [judgeSpace({ ...space, totalFiles: Infinity, freeFiles: Infinity }), "ok"],
      [judgeSpace({ ...space, freeBytes: 5e9 }), "note"],
      [judgeOpenFiles(100, "100", 10), "bad"],
      [judgeOpenFiles(1024, "1024", 4096), "note"],
      [judgeOpenFiles(1024, "1024", 500), "ok"],
      [judgeOpenFiles(65_536, "65536", 4096), "ok"],
      [judgeExpiry(now - 1, now), "bad"],
      [judgeExpiry(now + 86_400_000, now), "note"],
      [judgeExpiry(now + 90 * 86_400_000, now), "ok"],
    ] as const
  ) {
    assertEquals(finding.state, state, finding.text);
  }
});

Deno.test("a finding of parts is as bad as the worst", () => {
  const parts = [{ state: "ok", text: "a" }, { state: "bad", text: "b" }, {
    state: "note",
    text: "c",
  }] as const;
  assertEquals(findingLine(joinFindings("x", parts)), "  bad   x             a; b; c");
});

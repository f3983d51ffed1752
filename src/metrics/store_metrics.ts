/** What is measured of a standalone store. */

import { LIMITS } from "../limits.ts";
import type { CommitMetrics } from "../storage/group_commit.ts";
import type { Survey } from "../storage/store_survey.ts";
import type { Exposition, Sample } from "./exposition.ts";

export function exposeCommits(page: Exposition, { changes, seconds }: CommitMetrics): void {
  page.histogram("zs3_commit_changes", "Changes that one commit made durable.", [[{}, changes]]);
  page.histogram("zs3_commit_seconds", "Time until a commit was durable.", [[{}, seconds]]);
}

export function exposeJournal(
  page: Exposition,
  { entries, bytes }: { readonly entries: number; readonly bytes: number },
): void {
  page.gauge("zs3_journal_entries", "Changes whose files aren't settled yet.", [[{}, entries]]);
  page.gauge("zs3_journal_bytes", "Bodies of those changes.", [[{}, bytes]]);
}

/** The buckets first in order of their names have series of their own; the rest share one. */
export function exposeSurvey(page: Exposition, survey: Survey): void {
  const { objects, bytes } = bucketSamples(survey);
  page.gauge("zs3_bucket_objects", "Objects, as last counted.", objects);
  page.gauge("zs3_bucket_bytes", "Bytes of objects, as last counted.", bytes);
  page.gauge("zs3_uploads", "Multipart uploads that aren't finished.", [[{}, survey.uploads]]);
  page.gauge("zs3_temp_files", "Parts, and bodies being received.", [[{}, survey.tempFiles]]);
  page.gauge("zs3_temp_bytes", "Room that they take.", [[{}, survey.tempBytes]]);
  const ageSeconds = (performance.now() - survey.takenAtMs) / 1000;
  page.gauge("zs3_counted_age_seconds", "How long ago that was.", [[{}, ageSeconds]]);
}

/** A name that no bucket can have. */
const OTHERS = "(others)";

function bucketSamples({ buckets }: Survey): { objects: Sample[]; bytes: Sample[] } {
  const objects: Sample[] = [];
  const bytes: Sample[] = [];
  const others = { objects: 0, bytes: 0 };
  for (const [bucket, total] of [...buckets].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (objects.length < LIMITS.bucketsMeasuredMax) {
      objects.push([{ bucket }, total.objects]);
      bytes.push([{ bucket }, total.bytes]);
    } else {
      others.objects += total.objects;
      others.bytes += total.bytes;
    }
  }
  if (buckets.size > LIMITS.bucketsMeasuredMax) {
    objects.push([{ bucket: OTHERS }, others.objects]);
    bytes.push([{ bucket: OTHERS }, others.bytes]);
  }
  return { objects, bytes };
}

/** Every bound of the program, in one place. Sizes are bytes, times milliseconds. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const LIMITS = {
  // What a request may carry. Source of the S3 ones: the S3 user guide's quotas and API pages.
  headerSectionBytesMax: 8 * KiB,
  keyBytesMax: 1024,
  bucketNameMin: 3,
  bucketNameMax: 63,
  bucketsMax: 10_000,
  putBytesMax: 5 * GiB,
  objectBytesMax: 5 * 1024 * GiB,
  partBytesMin: 5 * MiB,
  partBytesMax: 5 * GiB,
  partNumberMax: 10_000,
  xmlBytesMax: 2 * MiB,
  xmlDepthMax: 16,
  userMetadataBytesMax: 2 * KiB,
  objectTagsMax: 10,
  bucketTagsMax: 50,
  tagKeyCharsMax: 128,
  tagValueCharsMax: 256,
  deleteKeysMax: 1000,
  listKeysMax: 1000,
  listPartsMax: 1000,
  postFieldsBytesMax: 20 * KiB,
  corsRulesMax: 100,
  corsConfigurationBytesMax: 64 * KiB,

  // Signatures.
  clockSkewMsMax: 15 * 60_000,
  presignedExpiresSecondsMax: 604_800,
  signingKeysCachedMax: 1000,
  signedChunkBytesMin: 8 * KiB,
  chunkHeaderBytesMax: 1 * KiB,
  trailerBytesMax: 16 * KiB,

  // Replies.
  parallelDeletesMax: 64,
  replyGraceMs: 4_000,
  replyBeatMs: 4_000,

  // Bodies.
  bodyIdleMsMax: 60_000,

  // Storage.
  inlineBodyBytesMax: 64 * KiB,
  roomReserveBytesMin: 1 * MiB,
  roomReserveBytesMax: 64 * MiB,
  roomReserveFilesMax: 1000,
  roomRecheckMs: 100,
  writeBytesAtOnce: 512 * KiB,
  readBytesAtOnce: 256 * KiB,
  readWholeBytesMax: 64 * KiB,
  journalEntriesMax: 8_192,
  journalBytesMax: 128 * MiB,
  journalAdmitRoundsMax: 200,
  layoutInlineMax: 64,
  layoutBacklogMax: 1024,
  layoutSliceMs: 5,
  layoutRetryMs: 1_000,
  settleSyncsAtOnce: 16,
  discardsAtOnce: 16,
  settleBatchMax: 512,
  settleIntervalMs: 1_000,
  adoptedHashBytesMax: 64 * MiB,
  pageHashBytesMax: 256 * MiB,
  fileRecheckMs: 2_000,
  recheckedPagesMax: 4096,
  rescansAtOnce: 8,
  refreshesAtOnce: 64,
  rescanBatch: 1000,
  listMsMax: 30_000,
  pathComponentBytesMax: 255,

  // Uploads.
  uploadAgeMsMax: 7 * 24 * 3_600_000,
  uploadSweepIntervalMs: 3_600_000,
  completedUploadsRememberedMs: 24 * 3_600_000,

  // Process.
  drainMsMax: 10_000,
  reopenMs: 200,
  reopenToldMs: 60_000,
  formerServersMax: 16,
  logBacklogBytesMax: 1 * MiB,
} as const;

/** Whole lines to stdout and stderr, at once: for what a command says, not for the log of a busy server. */

/** What can be written to in one go. */
interface SyncSink {
  writeSync(bytes: Uint8Array): number;
}

/** Adds the line feed. Throws BrokenPipe when nobody reads. */
export function printLine(sink: SyncSink, line: string): void {
  const bytes = new TextEncoder().encode(line + "\n");
  for (let done = 0; done < bytes.length;) done += sink.writeSync(bytes.subarray(done));
}

/** What is wrong with a database's file, in words for whoever must repair it. */

export interface DatabaseFile {
  readonly path: string;
  /** What it is called: "the catalog". */
  readonly title: string;
  /** What to do when it is damaged, after a colon. */
  readonly remedy: string;
}

/** What SQLite says of a file that isn't a database, or not a whole one. */
const DAMAGE = ["file is not a database", "database disk image is malformed"];

/** Whether SQLite says that the file is damaged. */
export function isDamage(error: unknown): boolean {
  return isSqliteError(error) && DAMAGE.includes(error.message);
}

/** The error itself, or in place of one of SQLite's one that says which file it is about, and what to do when that is damaged. */
export function explainDatabaseFailure(error: unknown, file: DatabaseFile): unknown {
  if (!isSqliteError(error)) return error;
  const cause = { cause: error };
  if (!isDamage(error)) {
    return new Error(`${file.title} ${file.path} can't be used: ${error.message}`, cause);
  }
  return new Error(
    `${file.title} ${file.path} is damaged (${error.message}): ${file.remedy}`,
    cause,
  );
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}

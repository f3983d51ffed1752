/** What the parts of the FileStore are made of and share. */

import type { Clock, Random } from "../clock.ts";
import type { Md5Pool } from "../hashing/md5_pool.ts";
import type { Catalog } from "./catalog.ts";
import type { Files } from "./files.ts";
import type { FileTree } from "./file_tree.ts";
import type { Journal } from "./journal.ts";
import type { Room } from "./room.ts";

export interface StoreParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly tree: FileTree;
  readonly files: Files;
  readonly room: Room;
  readonly md5s: Md5Pool;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether a change must survive a power cut before it counts as made. */
  readonly isStrict: boolean;
  readonly onFault: (what: string, error: unknown) => void;
}

/**
 * Where the parts of uploads are written: into one file for all of an upload, each where it will be in the object, as far as that can be
 * foreseen. Completing then copies nothing. What doesn't fit gets a file of its own, and the parts are joined by copying.
 */

import { LIMITS } from "../limits.ts";

/** A file in the temp folder, and where in it a part begins. */
export interface PartPlace {
  readonly temp: string;
  readonly offset: number;
  /** Bytes that may be written there. */
  readonly sizeMax: number;
  /** Whether other parts are in the file too. */
  readonly isShared: boolean;
}

/** What is said of the place of what has a file of its own. */
export const WHOLE_FILE = { offset: 0, sizeMax: Infinity, isShared: false } as const;

/** What a stored part's row says of its place. */
interface StoredPart {
  readonly number: number;
  readonly size: number;
  readonly temp: string;
}

/** The file that parts of one upload are being written to, all but the last as long as the first to come. */
interface SharedFile {
  readonly temp: string;
  readonly strideBytes: number;
  /** Numbers of the parts under way. */
  readonly writing: Set<number>;
}

export class PartPlaces {
  readonly #newTempName: () => string;
  /** By upload; only of those with parts under way. */
  readonly #shared = new Map<string, SharedFile>();

  constructor(newTempName: () => string) {
    this.#newTempName = newTempName;
  }

  /**
   * A place for a part that is announced to have `size` bytes, to be given back. Nothing that is stored or under way is overwritten
   * there: `stored` is the part of this number, `first` the upload's first one.
   */
  take(
    upload: string,
    { number, size }: { readonly number: number; readonly size: number | undefined },
    stored: StoredPart | undefined,
    first: StoredPart | undefined,
  ): PartPlace {
    const file = this.#shared.get(upload) ?? this.#findFile(first, size ?? 0);
    const offset = (number - 1) * file.strideBytes;
    const isFit = size !== undefined && size > 0 && size <= file.strideBytes &&
      offset + size <= LIMITS.objectBytesMax &&
      !file.writing.has(number) && stored?.temp !== file.temp;
    if (!isFit) return { temp: this.#newTempName(), ...WHOLE_FILE };
    this.#shared.set(upload, file);
    file.writing.add(number);
    return { temp: file.temp, offset, sizeMax: size, isShared: true };
  }

  /** Ends what `take` began: nothing is written there any more. */
  giveBack(upload: string, number: number, place: PartPlace): void {
    const file = this.#shared.get(upload);
    if (!place.isShared || file === undefined) return;
    file.writing.delete(number);
    if (file.writing.size === 0) this.#shared.delete(upload);
  }

  /** Whether something is being written to the upload's shared file. */
  isWriting(upload: string): boolean {
    return this.#shared.has(upload);
  }

  #findFile(first: StoredPart | undefined, size: number): SharedFile {
    const stride = first && strideOf(first.temp);
    if (first !== undefined && stride !== undefined) {
      return { temp: first.temp, strideBytes: stride, writing: new Set() };
    }
    return { temp: `${this.#newTempName()}.${size}`, strideBytes: size, writing: new Set() };
  }
}

/** Of a shared file by its name, of which the bytes from part to part are a part; undefined for a file of one part. */
function strideOf(temp: string): number | undefined {
  const [, stride] = temp.split(".");
  return stride === undefined ? undefined : Number(stride);
}

/** Where a stored part is. */
export function placeOfPart({ number, size, temp }: StoredPart): PartPlace {
  const stride = strideOf(temp);
  if (stride === undefined) return { temp, ...WHOLE_FILE };
  return { temp, offset: (number - 1) * stride, sizeMax: size, isShared: true };
}

/** The file in which the parts are one after the other from its beginning, if they are. */
export function findJoined(parts: readonly StoredPart[]): string | undefined {
  let end = 0;
  for (const part of parts) {
    const { temp, offset, isShared } = placeOfPart(part);
    if (!isShared || temp !== parts[0]?.temp || offset !== end) return undefined;
    end += part.size;
  }
  return parts[0]?.temp;
}

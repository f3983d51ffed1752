/** What is wrong with a command line, in one line for the person who typed it. Never holds a secret. */

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** What a value should have been; the reader of settings puts the flag's or variable's name before it. */
export class ValueError extends Error {
  /** `expectation` completes a sentence: "must be a number from 0 to 65535". Never holds the value itself. */
  constructor(expectation: string) {
    super(expectation);
    this.name = "ValueError";
  }
}

/** What `zs3 doctor` says of one thing that it looked at. */

export interface Finding {
  /** What was looked at, in one or two words. */
  readonly subject: string;
  /** note: worth knowing. bad: a server would not start, or not keep what it promises. */
  readonly state: "ok" | "note" | "bad";
  /** One line, without secrets. */
  readonly text: string;
}

/** A line of the report. */
export function findingLine({ subject, state, text }: Finding): string {
  return `  ${state.padEnd(5)} ${subject.padEnd(13)} ${text}`;
}

/** The worse of both is the state; their texts one after the other. */
export function joinFindings(subject: string, parts: readonly Omit<Finding, "subject">[]): Finding {
  const states = ["bad", "note"] as const;
  return {
    subject,
    state: states.find((state) => parts.some((part) => part.state === state)) ?? "ok",
    text: parts.map(({ text }) => text).join("; "),
  };
}

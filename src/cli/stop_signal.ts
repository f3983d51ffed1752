/** SIGTERM and SIGINT as a promise. */

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGTERM", "SIGINT"];

/** Disposing gives the signals back to the system. */
export interface StopSignal extends Disposable {
  /** Resolves at the first signal. */
  readonly received: Promise<void>;
}

/** `onSecond` is called at the second signal: someone doesn't want to wait. */
export function openStopSignal(onSecond: () => void): StopSignal {
  const first = Promise.withResolvers<void>();
  let count = 0;
  const listener = () => ++count === 1 ? first.resolve() : onSecond();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, listener);
  return {
    received: first.promise,
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, listener);
    },
  };
}

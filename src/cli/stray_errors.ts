/** Errors that no request and no loop caught. */

import type { Log } from "../log.ts";

/**
 * Logs stray errors and rejections instead of ending the process. One request's mistake must not break thousands of others, and
 * ending wouldn't make the disk safer: a store commits whole objects and is always ready to be killed. Disposing restores the default.
 */
export function catchStrayErrors(log: Log): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log.fault("-", event.reason);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log.fault("-", event.error);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}

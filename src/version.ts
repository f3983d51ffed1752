/** The program's version: what `--version` prints and what the Server header may say. */
export const VERSION = "0.1.0";

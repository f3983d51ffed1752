import { assertThrows } from "@std/assert";
import { checkRuntime } from "../../../src/cli/runtime.ts";
import { StartError } from "../../../src/cli/start_error.ts";

Deno.test("a Deno that is too old is named, and none that isn't", () => {
  checkRuntime();
  for (const version of ["2.9.0", "2.10.1", "3.0.0"]) checkRuntime(version);
  for (const version of ["1.46.3", "2.8.3"]) {
    assertThrows(
      () => checkRuntime(version),
      StartError,
      `Deno 2.9 or later is needed, and this is Deno ${version}`,
    );
  }
});

/** Writes src/config/zs3.schema.json from the table of flags: `deno run -A scripts/config_schema.ts`. A test tells when it is due. */

import { configSchema } from "../src/config/schema.ts";

const FILE = new URL("../src/config/zs3.schema.json", import.meta.url);

await Deno.writeTextFile(FILE, JSON.stringify(configSchema(), null, 2) + "\n");

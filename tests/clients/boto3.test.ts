/** boto3: what `boto3_session.py` does, which a Python programmer would write. */

import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool } from "../support/tools.ts";

const tool = findTool("python3", ["-c", "import boto3; print('boto3', boto3.__version__)"]);
const SCRIPT = new URL("boto3_session.py", import.meta.url).pathname;

testOverBothSchemes("boto3", async ({ program }) => {
  if (tool === undefined) return;
  await using temp = await TempDir.make();
  const environment = {
    ENDPOINT: program.url,
    AWS_ACCESS_KEY_ID: "minioadmin",
    AWS_SECRET_ACCESS_KEY: "minioadmin",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    ...(program.authorityFile === undefined ? {} : { AWS_CA_BUNDLE: program.authorityFile }),
  };
  await runTool(tool, [decodeURIComponent(SCRIPT)], { environment, cwd: temp.path });
}, { ignore: tool === undefined });

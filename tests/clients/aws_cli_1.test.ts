import { BIG_TREE } from "../support/tree.ts";
import { testAwsCli } from "./aws_cli.ts";

testAwsCli("aws-cli 1", /^aws-cli\/1\./, BIG_TREE);

import { SMALL_TREE } from "../support/tree.ts";
import { testAwsCli } from "./aws_cli.ts";

testAwsCli("aws-cli 2", /^aws-cli\/2\./, SMALL_TREE);

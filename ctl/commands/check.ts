import { spawn } from "node:child_process";
import { type Command, UsageError } from "../command.js";
import { findInstalled } from "../installation.js";

const CHECKER = "gazelle-check";

/** Runs the checker, which is the code of a start, and passes its output and exit status on. */
function runChecker(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}

export const check: Command = {
  name: "check",
  usage: "[--start] [--values] FILE...",
  about: "Check configuration files.",
  details: `Exit status 0: every file is right, perhaps with warnings; 1: at least one is not.
  --start   what this machine or version lacks for a start is an error too
  --values  print the values that a start would use`,
  async run(args) {
    const options = args.filter((argument) => argument.startsWith("-"));
    const files = args.filter((argument) => !argument.startsWith("-"));
    const unknown = options.find((option) => option !== "--start" && option !== "--values");
    if (unknown !== undefined) throw new UsageError(`check: unknown option ${unknown}`);
    if (files.length === 0) throw new UsageError("check: name at least one configuration file");
    const program = findInstalled(CHECKER);
    if (program === null) throw new UsageError(`${CHECKER} is missing: run \`npm run build\` first`);
    return runChecker(program, [...options, ...files]);
  },
};

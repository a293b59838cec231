import { spawn } from "node:child_process";
import { findChecker } from "../checker.js";
import { type Command, UsageError } from "../command.js";

const OPTIONS = ["--start", "--values", "--json"];
const KINDS = ["lstack", "ltran"];

/** Runs the checker, which is the code of a start, and passes its output and exit status on. */
function runChecker(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}

/** The checker's arguments: options first, and the kind in one word. */
function parse(args: readonly string[]): string[] {
  const options: string[] = [];
  const files: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const kind = argument === "--kind" ? (rest.shift() ?? "") : /^--kind=(.*)$/s.exec(argument)?.[1];
    if (kind !== undefined) {
      if (!KINDS.includes(kind)) throw new UsageError(`check: --kind must be ${KINDS.join(" or ")}`);
      options.push(`--kind=${kind}`);
    } else if (OPTIONS.includes(argument)) options.push(argument);
    else if (argument.startsWith("-")) throw new UsageError(`check: unknown option ${argument}`);
    else files.push(argument);
  }
  if (files.length === 0) throw new UsageError("check: name at least one configuration file");
  return [...options, ...files];
}

export const check: Command = {
  name: "check",
  usage: "[--kind lstack|ltran] [--start] [--values | --json] FILE...",
  about: "Check configuration files.",
  details: `Exit status 0: every file is right, perhaps with warnings; 1: at least one is not.
  --kind    lstack.conf or ltran.conf; otherwise a file is recognised by its name, or else by its keys
  --start   what this machine or version lacks for a start is an error too
  --values  print the values that a start would use
  --json    print them for programs`,
  run: async (args) => runChecker(findChecker(), parse(args)),
};

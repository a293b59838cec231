import { accessSync, constants } from "node:fs";
import { type Command, UsageError } from "../command.js";
import { diagnose } from "../doctor/checks.js";
import { gatherFacts } from "../doctor/facts/gather.js";
import { showFindings } from "../doctor/show.js";

/** What was asked for. */
interface Request {
  files: string[];
  isJson: boolean;
  isAll: boolean;
}

function parse(args: readonly string[]): Request {
  const request: Request = { files: [], isJson: false, isAll: false };
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const file = argument === "--conf" ? (rest.shift() ?? "") : /^--conf=(.*)$/s.exec(argument)?.[1];
    if (file === "") throw new UsageError("doctor: --conf needs a file");
    if (file !== undefined) request.files.push(file);
    else if (argument === "--json") request.isJson = true;
    else if (argument === "--all") request.isAll = true;
    else throw new UsageError(`doctor: unknown argument ${argument}`);
  }
  return request;
}

function mustBeReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new UsageError(`doctor: ${path}: no such configuration, or not readable`);
  }
}

export const doctor: Command = {
  name: "doctor",
  usage: "[--conf FILE]... [--all] [--json]",
  about: "Say what is wrong with this machine, a configuration and the programs that run, and what mends it.",
  details: `Reads only, and sends nothing to the network. It sees the network namespace that it runs in.
Exit status 0: nothing of severity error; 1: at least one error.
  --conf FILE  lstack.conf or ltran.conf, before the first start or beside running programs; may be given
               several times. Otherwise LSTACK_CONF_PATH or /etc/gazelle/lstack.conf, and
               /etc/gazelle/ltran.conf, if they are there
  --all        what is right, too
  --json       everything, for programs: [{"id", "ok", "severity", "what", "why", "fix"}]`,
  async run(args) {
    const { files, isJson, isAll } = parse(args);
    for (const file of files) mustBeReadable(file);
    const findings = diagnose(await gatherFacts(files));
    const isColoured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
    process.stdout.write(
      isJson ? `${JSON.stringify(findings, null, 2)}\n` : showFindings(findings, isAll, isColoured),
    );
    return findings.some(({ ok, severity }) => !ok && severity === "error") ? 1 : 0;
  },
};

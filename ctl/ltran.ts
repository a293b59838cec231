/** The program ltran: its arguments. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UsageError } from "./command.js";
import { version } from "./installation.js";
import { checkLtranConfig, DEFAULT_LTRAN_CONFIG, type LtranConfig, loadLtranConfig } from "./ltran-config.js";

const HELP = `Usage: ltran [-c FILE] [--check]

Owns the network devices and forwards between them and the stacks of this machine's programs.

  -c, --config-file FILE  the configuration; otherwise ${DEFAULT_LTRAN_CONFIG}
      --check             say what is wrong with the configuration, and end
  -v, --version           the version
  -h, --help              this text
`;

/** What the program does with its configuration. */
interface Request {
  path: string;
  checks: boolean;
}

/** The daemon's only door. */
interface Daemon {
  runLtran(config: LtranConfig, path: string): Promise<number>;
}

/** The value of an option: behind "=", in the same word as its letter, or the next argument. */
function fileAfter(option: string, attached: string | undefined, rest: string[]): string {
  const value = attached ?? rest.shift();
  if (value === undefined || value === "") throw new UsageError(`${option} needs a file`);
  return value;
}

/** Reads the arguments; a text is the answer to --version or --help. */
function parse(args: readonly string[]): Request | string {
  const request = { path: DEFAULT_LTRAN_CONFIG, checks: false };
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name = argument, attached] =
      /^(--config-file)=(.*)$/s.exec(argument) ?? /^(-c)(.+)$/s.exec(argument) ?? [];
    if (name === "-c" || name === "--config-file") request.path = fileAfter(name, attached, rest);
    else if (name === "--check") request.checks = true;
    else if (name === "-v" || name === "--version") return `ltran ${version()}\n`;
    else if (name === "-h" || name === "--help") return HELP;
    else if (name.startsWith("-")) throw new UsageError(`unknown option ${name}; see ltran --help`);
    else throw new UsageError(`must be started without ${name}; see ltran --help`);
  }
  return request;
}

async function loadDaemon(): Promise<Daemon> {
  const main = new URL("../ltran/daemon/main.js", import.meta.url);
  if (!existsSync(fileURLToPath(main))) {
    throw new UsageError("forwarding is not yet available in this version of Gazelle");
  }
  return (await import(main.href)) as Daemon;
}

/** Runs one command line and resolves to the exit status. */
async function run(args: readonly string[]): Promise<number> {
  const request = parse(args);
  if (typeof request === "string") {
    process.stdout.write(request);
    return 0;
  }
  if (request.checks) return checkLtranConfig(request.path) ? 0 : 1;
  const config = loadLtranConfig(request.path);
  if (config === null) return 1;
  const daemon = await loadDaemon();
  return daemon.runLtran(config, request.path);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`ltran: ${error.message}\n`);
  process.exitCode = 1;
}

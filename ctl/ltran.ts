/** The program ltran: its arguments. */
import { UsageError } from "./command.js";
import { version } from "./installation.js";
import { checkLtranConfig, DEFAULT_LTRAN_CONFIG, loadLtranConfig } from "./ltran-config.js";

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
  // Whoever asks for help or a check needs nothing of the daemon.
  const { runLtran } = await import("../ltran/daemon/main.js");
  return runLtran(config, request.path);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`ltran: ${error.message}\n`);
  process.exitCode = 1;
}

import { type Command, UsageError } from "./command.js";
import { check } from "./commands/check.js";
import { doctor } from "./commands/doctor.js";
import { run } from "./commands/run.js";
import { stats } from "./commands/stats.js";
import { version } from "./installation.js";

const COMMANDS: readonly Command[] = [check, doctor, run, stats];

function help(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.about}`);
  return `Usage: gazelle COMMAND [ARGS...]

${lines.join("\n")}

  gazelle COMMAND --help   what the command takes
  gazelle --version        the version
`;
}

function commandHelp(command: Command): string {
  const details = command.details === "" ? "" : `\n${command.details}\n`;
  return `Usage: gazelle ${command.name} ${command.usage}\n\n${command.about}\n${details}`;
}

/** Runs one command line and resolves to the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-V") {
    console.log(`gazelle ${version()}`);
    return 0;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(help());
    return 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(
      name === undefined ? help() : `gazelle: unknown command ${name}; see gazelle --help\n`,
    );
    return 1;
  }
  if (rest[0] === "--help" || rest[0] === "-h") {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`gazelle: ${error.message}\n`);
  process.exitCode = 1;
}

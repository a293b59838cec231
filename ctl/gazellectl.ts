/** The program gazellectl: its arguments. */
import { placeOf } from "../ltran/daemon/place.js";
import type { LtranReport } from "../ltran/daemon/report.js";
import { UsageError } from "./command.js";
import { type AnswerHead, askControl, ControlError } from "./control-socket.js";
import { showLtran } from "./ltran-report.js";

const HELP = `Usage: gazellectl ltran quit
       gazellectl ltran show -i [--json]

Asks a running ltran.

  quit                 end it; the programs that it serves go on, and register with the next one
  show -i, --instance  the programs that are registered, and what was counted
  --json               the same for programs
  -u UNIX_PREFIX       of the ltran with this unix_prefix

  -h, --help           this text
`;

/** A command line, taken apart. */
interface Request {
  prefix: string;
  words: string[];
  isJson: boolean;
}

function parse(args: readonly string[]): Request {
  const request: Request = { prefix: "", words: [], isJson: false };
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === "-u") {
      const prefix = rest.shift();
      if (prefix === undefined) throw new UsageError("-u needs a unix_prefix");
      request.prefix = prefix;
    } else if (argument === "--json") request.isJson = true;
    else request.words.push(argument === "--instance" ? "-i" : argument);
  }
  return request;
}

async function ask(prefix: string, command: string): Promise<AnswerHead> {
  const { control } = placeOf(prefix);
  try {
    return (await askControl(control, command)).head;
  } catch (error) {
    if (error instanceof ControlError) throw new UsageError(`ltran (${control}): ${error.message}`);
    throw error;
  }
}

/** Runs one command line and resolves to the exit status. */
async function run(args: readonly string[]): Promise<number> {
  const { prefix, words, isJson } = parse(args);
  const command = words.join(" ");
  if (command === "-h" || command === "--help" || command === "help") {
    process.stdout.write(HELP);
  } else if (command === "ltran quit") {
    await ask(prefix, "quit");
  } else if (command === "ltran show -i") {
    const report = (await ask(prefix, "instances")) as LtranReport & AnswerHead;
    process.stdout.write(isJson ? `${JSON.stringify(report, null, 2)}\n` : showLtran(report));
  } else {
    throw new UsageError(`unknown command "${command}"; see gazellectl --help`);
  }
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`gazellectl: ${error.message}\n`);
  process.exitCode = 1;
}

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants as fileConstants, readFileSync, realpathSync, statSync } from "node:fs";
import { constants } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { type Command, UsageError } from "../command.js";
import { findInstalled } from "../installation.js";

const LIBRARY = "liblstack.so";

/** What `gazelle run` was asked for. */
interface Request {
  /** Absolute path of the configuration, or undefined for what the environment or the default says. */
  configuration: string | undefined;
  program: string;
  args: readonly string[];
}

/** Options end at the first argument that is none, or at "--": the rest belongs to the program. */
function parse(args: readonly string[]): Request {
  let configuration: string | undefined;
  let at = 0;
  for (; at < args.length; at++) {
    const argument = args[at] ?? "";
    if (argument === "--") {
      at++;
      break;
    }
    if (!argument.startsWith("-")) break;
    if (argument === "--conf") configuration = args[++at] ?? "";
    else if (argument.startsWith("--conf=")) configuration = argument.slice("--conf=".length);
    else throw new UsageError(`run: unknown option ${argument}`);
    if (configuration === "") throw new UsageError("run: --conf needs a file");
  }
  const program = args[at];
  if (program === undefined || program === "") throw new UsageError("run: name the program to run");
  return {
    configuration: configuration === undefined ? undefined : resolve(configuration),
    program,
    args: args.slice(at + 1),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fileConstants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The file that a shell would run for a name. */
function findProgram(name: string): string {
  if (name.includes("/")) {
    const path = resolve(name);
    if (!isExecutable(path)) throw new UsageError(`run: ${name}: no such program`);
    return path;
  }
  const folders = (process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter);
  for (const folder of folders) {
    const path = join(folder === "" ? "." : folder, name);
    if (isExecutable(path)) return path;
  }
  throw new UsageError(`run: ${name}: not found in PATH`);
}

function readableFile(path: string): void {
  try {
    accessSync(path, fileConstants.R_OK);
    if (statSync(path).isFile()) return;
  } catch {
    throw new UsageError(`run: ${path}: no such configuration, or not readable`);
  }
  throw new UsageError(`run: ${path}: not a file`);
}

/**
 * What makes the dynamic linker load the library. It splits LD_PRELOAD at blanks and colons, but
 * LD_LIBRARY_PATH only at colons and semicolons.
 */
function preload(library: string): NodeJS.ProcessEnv {
  const others = process.env.LD_PRELOAD;
  const append = (name: string) => (others === undefined || others === "" ? name : `${name}:${others}`);
  if (!/[\s:;]/.test(library)) return { LD_PRELOAD: append(library) };
  const folder = dirname(library);
  if (/[:;]/.test(folder))
    throw new UsageError(`run: ${library}: the dynamic linker cannot load from such a path`);
  const folders = process.env.LD_LIBRARY_PATH;
  const path = folders === undefined || folders === "" ? folder : `${folder}:${folders}`;
  return { LD_PRELOAD: append(basename(library)), LD_LIBRARY_PATH: path };
}

/**
 * The environment that selects the program. Both its own name and that of the file it links to count:
 * Debian's redis-server is a link to redis-check-rdb.
 */
function environment(request: Request, program: string, library: string): NodeJS.ProcessEnv {
  const names = [...new Set([basename(program), basename(realpathSync(program))])];
  return {
    ...process.env,
    ...preload(library),
    GAZELLE_BIND_PROCNAME: names.join(","),
    ...(request.configuration === undefined ? {} : { LSTACK_CONF_PATH: request.configuration }),
  };
}

/** Signals that a user or a supervisor may send to us and means for the program. */
const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGINT",
  "SIGQUIT",
  "SIGWINCH",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
];
/** Those that a terminal sends to all processes of the foreground by itself. */
const FROM_TERMINAL = new Set<NodeJS.Signals>(["SIGINT", "SIGQUIT", "SIGWINCH"]);

/**
 * Whether a terminal sends its signals to this process, and so to its children: the foreground's group is
 * ours.
 */
function isInForeground(): boolean {
  const text = readFileSync("/proc/self/stat", "latin1");
  // After the name in parentheses: state, parent, group, session, terminal, the terminal's foreground group.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[2] === fields[5];
}

/**
 * Hands signals on; twice the same one would be too much for some (a second SIGINT makes Redis quit unsaved).
 */
function forwardSignals(child: () => ChildProcess): void {
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      if (!FROM_TERMINAL.has(signal) || !isInForeground()) child().kill(signal);
    });
  }
}

/** Starts the program, hands signals on to it, and resolves to its exit status, or 128 plus its signal. */
function supervise(request: Request, program: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    // First the handlers: a signal that arrives while the program starts waits for the next turn of the event
    // loop.
    forwardSignals(() => child);
    const child = spawn(program, request.args, { stdio: "inherit", env, argv0: request.program });
    child.on("error", (error) => reject(new UsageError(`run: ${request.program}: ${error.message}`)));
    child.on("close", (status, signal) => {
      resolve(signal === null ? (status ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

export const run: Command = {
  name: "run",
  usage: "[--conf FILE] [--] PROGRAM [ARGS...]",
  about: "Run a program on the stack.",
  details: `Sets LD_PRELOAD, GAZELLE_BIND_PROCNAME and, with --conf, LSTACK_CONF_PATH for the program, hands
signals on to it, and ends with its exit status (128 plus the number of the signal that ended it).
  --conf FILE  the configuration; otherwise LSTACK_CONF_PATH, otherwise /etc/gazelle/lstack.conf`,
  async run(args) {
    const request = parse(args);
    const program = findProgram(request.program);
    if (request.configuration !== undefined) readableFile(request.configuration);
    const library = findInstalled(LIBRARY);
    if (library === null) throw new UsageError(`run: ${LIBRARY} is missing: run \`npm run build\` first`);
    return supervise(request, program, environment(request, program, library));
  },
};

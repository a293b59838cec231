/** Programs that run inside a namespace, die with this process and are stopped with bounded patience. */
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Readable, Writable } from "node:stream";
import { onCleanUp, onStop } from "./cleanup.js";
import { blockFor } from "./command.js";
import { inside } from "./namespaces.js";

/** Clients run on the first CPU and servers on the second, so that neither steals the other's time. */
export const pinning = { client: 0, server: 1 } as const;

const keptOutputBytes = 32 << 20;
const stopGraceMs = 3_000;
const defaultTimeoutMs = 60_000;

/** What to run and where. */
export interface ProgramOptions {
  namespace: string;
  role: keyof typeof pinning;
  command: string;
  argumentList: readonly string[];
  environment?: Readonly<Record<string, string>> | undefined;
  workingFolder?: string | undefined;
  /** Sent to the program's standard input, which is then closed. */
  input?: Buffer | string | undefined;
  /** For `runProgram`: the program is killed after this time, 60 s unless told otherwise. */
  timeoutMs?: number | undefined;
}

/** How a program ended. */
export interface ProgramResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

/** A program that is running, or has ended. */
export interface Program {
  readonly pid: number;
  /** `undefined` while it runs. */
  result(): ProgramResult | undefined;
  readonly ended: Promise<ProgramResult>;
  /** SIGTERM, then SIGKILL after 3 s. */
  stop(): Promise<ProgramResult>;
  signal(signal: NodeJS.Signals): void;
  /** Standard output and standard error so far, for messages. */
  output(): string;
}

/** Whether programs are pinned at all: with one CPU there is nothing to choose. */
export function isPinned(): boolean {
  return availableParallelism() >= 2;
}

function wrapped(options: ProgramOptions): [string, string[]] {
  const affinity = isPinned() ? ["taskset", "-c", String(pinning[options.role])] : [];
  // `env` comes last, so that a preloaded library enters the program and none of the wrappers.
  const assignments = Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const wrappers = ["setpriv", "--pdeathsig", "KILL", ...affinity, "env", ...assignments];
  return inside(options.namespace, ...wrappers, options.command, ...options.argumentList);
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** Whether a child of ours has ended: gone, or waiting to be reaped. */
function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return true;
  }
}

function stopNow(child: Child, pid: number): void {
  child.kill("SIGTERM");
  child.kill("SIGCONT");
  for (let waited = 0; waited < stopGraceMs && !hasEnded(pid); waited += 20) {
    blockFor(20);
  }
  if (!hasEnded(pid)) {
    child.kill("SIGKILL");
  }
}

/** Keeps what a stream delivers, up to a bound. */
function collect(stream: Readable): () => Buffer {
  const chunks: Buffer[] = [];
  let kept = 0;
  stream.on("data", (chunk: Buffer) => {
    if (kept < keptOutputBytes) {
      chunks.push(chunk);
      kept += chunk.length;
    }
  });
  return () => Buffer.concat(chunks);
}

/**
 * Starts a program in a namespace. The process id is the program's own: every wrapper replaces itself.
 * @throws Error when the wrapper itself cannot be started.
 */
export function startProgram(options: ProgramOptions): Program {
  // Node's pipes are sockets: bash takes a socket as its input for a remote login and reads its user's start
  // file, which may do anything.
  const cwd = options.workingFolder;
  const child: Child =
    options.input === undefined
      ? spawn(...wrapped(options), { stdio: ["ignore", "pipe", "pipe"], cwd })
      : spawn(...wrapped(options), { stdio: ["pipe", "pipe", "pipe"], cwd });
  const pid = child.pid;
  if (pid === undefined) {
    throw new Error(`cannot start ${options.command}`);
  }
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A program may end without reading its input.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input);
  let result: ProgramResult | undefined;
  const forgetUndo = onCleanUp(() => {
    if (result === undefined) {
      stopNow(child, pid);
    }
  });
  const ended = new Promise<ProgramResult>((resolve) => {
    child.on("close", (status, signal) => {
      result = { status, signal, stdout: stdout(), stderr: stderr().toString() };
      forgetStop();
      forgetUndo();
      resolve(result);
    });
  });
  const stop = async (): Promise<ProgramResult> => {
    // A stopped process receives SIGTERM only when it goes on.
    child.kill("SIGTERM");
    child.kill("SIGCONT");
    const impatience = setTimeout(() => child.kill("SIGKILL"), stopGraceMs);
    await ended;
    clearTimeout(impatience);
    return ended;
  };
  const forgetStop = onStop(stop);
  return {
    pid,
    ended,
    stop,
    result: () => result,
    signal: (name) => child.kill(name),
    output: () => `${stdout().toString()}${stderr().toString()}`,
  };
}

/**
 * Waits for the end of a program that was started with these options.
 * @throws Error with its output when it fails or takes too long.
 */
export async function untilEnded(program: Program, options: ProgramOptions): Promise<ProgramResult> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    program.signal("SIGKILL");
  }, timeoutMs);
  const result = await program.ended;
  clearTimeout(timer);
  if (result.status !== 0) {
    const reason = late ? `took longer than ${timeoutMs} ms` : `ended with ${result.status ?? result.signal}`;
    const commandLine = [options.command, ...options.argumentList].join(" ");
    throw new Error(`${commandLine} ${reason}:\n${program.output().slice(-4_000)}`);
  }
  return result;
}

/**
 * Runs a program to its end.
 * @throws Error with its output when it fails or takes too long.
 */
export function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  return untilEnded(startProgram(options), options);
}

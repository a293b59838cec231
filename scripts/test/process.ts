import { type ChildProcess, spawn } from "node:child_process";
import { ROOT } from "../build/paths.js";

/** Time for a stopped test to remove its namespaces and processes before it is killed, in milliseconds. */
const GRACE_MS = 15_000;

/** How a child ended. */
export interface Ended {
  status: number;
  signal: string | null;
  output: string;
  /** Stopped because it took longer than its limit. */
  late: boolean;
  milliseconds: number;
}

const running = new Set<ChildProcess>();
/** Set on the way out: nothing new starts, and nobody is told how the stopped ones ended. */
let isStopping = false;

/** Signals a child with everything it started: each child leads a process group of its own. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Runs a program to its end and collects what it prints; after `limit` seconds it is stopped. */
export function runLimited(program: string, args: readonly string[], limit: number): Promise<Ended> {
  return new Promise((resolve) => {
    if (isStopping) return;
    const start = performance.now();
    const child = spawn(program, args, { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    let late = false;
    let kill: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      late = true;
      signalGroup(child, "SIGINT");
      kill = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    }, limit * 1000);
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => collect(Buffer.from(error.message)));
    child.on("exit", () => {
      // What a test left running would keep its pipes, and us, open.
      setTimeout(() => signalGroup(child, "SIGKILL"), 1000).unref();
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(kill);
      running.delete(child);
      const milliseconds = performance.now() - start;
      if (!isStopping) resolve({ status: code ?? 1, signal, output, late, milliseconds });
    });
  });
}

/** Stops every running child, first asking, then killing, and ends this process with the status. */
async function stopAll(status: number): Promise<never> {
  isStopping = true;
  for (const child of running) signalGroup(child, "SIGINT");
  const deadline = performance.now() + GRACE_MS;
  while (running.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const child of running) signalGroup(child, "SIGKILL");
  process.exit(status);
}

/** Makes Ctrl-C, SIGTERM and SIGHUP stop the children before we end. */
export function stopOnSignals(): void {
  const codes = [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const;
  for (const [signal, code] of codes) {
    process.once(signal, () => {
      console.log(`\nstopping (${signal}) ...`);
      void stopAll(code);
    });
  }
}

import { spawn } from "node:child_process";
import { inRoot, ROOT } from "./paths.js";

/** What a finished program left: exit status, standard output, and both outputs in order of arrival. */
export interface Finished {
  status: number;
  stdout: string;
  output: string;
}

/** Thrown when a tool fails; the message holds the command and everything it printed. */
export class CommandError extends Error {}

/** Runs a program in the clone's root and collects its output. A program that cannot start has status 127. */
export function run(program: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", (error) => resolve({ status: 127, stdout, output: output + error.message }));
    child.on("close", (code) => resolve({ status: code ?? 1, stdout, output }));
  });
}

/**
 * Runs a program that must succeed; with `silent`, any output on a success counts as a failure (warnings).
 */
export async function runChecked(program: string, args: readonly string[], silent = false): Promise<string> {
  const result = await run(program, args);
  if (result.status !== 0 || (silent && result.output.trim() !== "")) {
    const command = [program, ...args].join(" ");
    throw new CommandError(`${command}\nexit status ${result.status}\n${result.output.trim()}`);
  }
  return result.stdout;
}

/** Runs a JavaScript program of a package in node_modules with this Node. */
export function runNodeTool(script: string, args: readonly string[], silent = false): Promise<string> {
  return runChecked(process.execPath, [inRoot("node_modules", script), ...args], silent);
}

import { spawnSync } from "node:child_process";

/**
 * Runs a Python program that makes the same socket calls on the kernel's loopback; it gets `input` as JSON on
 * standard input and prints its answer as JSON. What it prints is what the stack is compared with.
 */
export function askKernel<T>(program: string, input: unknown): T {
  const run = spawnSync("python3", ["-c", program], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: 60_000,
  });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`python3: exit ${run.status}\n${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}

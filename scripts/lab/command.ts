/** Short commands that are run to their end, and waiting. */
import { spawnSync } from "node:child_process";

const commandTimeoutMs = 20_000;

/** What a command that must succeed may be given. */
interface CommandOptions {
  input?: string | Buffer;
  timeoutMs?: number;
}

/**
 * Runs a command to its end and returns its standard output.
 * @throws Error with the command line and its standard error when it cannot start, fails or exceeds its time
 *   (20 s unless told otherwise).
 */
export function run(command: string, argumentList: readonly string[], options: CommandOptions = {}): Buffer {
  const result = spawnSync(command, argumentList, {
    input: options.input ?? "",
    maxBuffer: 64 << 20,
    timeout: options.timeoutMs ?? commandTimeoutMs,
    killSignal: "SIGKILL",
  });
  if (result.error !== undefined || result.status !== 0) {
    const reason = result.error?.message ?? `exit status ${result.status ?? result.signal}`;
    const details = result.stderr?.toString().trim() ?? "";
    throw new Error(`${[command, ...argumentList].join(" ")}: ${reason}${details && `: ${details}`}`);
  }
  return result.stdout;
}

/** Resolves after `milliseconds`. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Blocks this thread for `milliseconds`: for clean-up, where nothing asynchronous runs any more. */
export function blockFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Calls `condition` until it holds.
 * @returns whether it did within `timeoutMs`.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  intervalMs = 20,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) {
      return true;
    }
    if (Date.now() >= deadline) {
      return false;
    }
    await pause(intervalMs);
  }
}

/** Short commands that only read, with bounded time. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const PATIENCE_MS = 2_000;
const OUTPUT_MOST = 8 << 20;

/** What a command printed; null: it is missing, failed, or took longer than two seconds. */
export function output(command: string, ...args: string[]): string | null {
  const { status, stdout, error } = spawnSync(command, args, {
    stdio: ["ignore", "pipe", "ignore"],
    encoding: "utf8",
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_MOST,
  });
  return error === undefined && status === 0 ? stdout : null;
}

/** What a command printed as JSON; null as above, or when it is none. */
export function json<Shape>(command: string, ...args: string[]): Shape | null {
  const text = output(command, ...args);
  if (text === null) return null;
  try {
    // Some tools print nothing where there is nothing.
    return JSON.parse(text.trim() === "" ? "[]" : text) as Shape;
  } catch {
    return null;
  }
}

/** A file's text; empty when it cannot be read. */
export function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Names in a folder; none when it cannot be read. */
export function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

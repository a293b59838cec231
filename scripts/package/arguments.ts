/** Command lines of the three commands, and how they end. */
import { resolve } from "node:path";

/** A command line that makes no sense; the message says what would. */
export class UsageError extends Error {}

/** Options with a folder, and those without a value. */
export interface Known {
  folders: readonly string[];
  flags: readonly string[];
}

/** Values of `--name FOLDER` options as absolute paths, and the flags that were given. */
export interface Given {
  folders: ReadonlyMap<string, string>;
  flags: ReadonlySet<string>;
  /** What is no option. */
  words: readonly string[];
}

/** Reads a command line; throws UsageError. */
export function readArguments(args: readonly string[], known: Known, usage: string): Given {
  const folders = new Map<string, string>();
  const flags = new Set<string>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (known.folders.includes(word)) {
      const value = args[++at];
      if (value === undefined || value.startsWith("-"))
        throw new UsageError(`${word} needs a folder\n${usage}`);
      folders.set(word, resolve(value));
    } else if (known.flags.includes(word)) flags.add(word);
    else if (word.startsWith("-")) throw new UsageError(`unknown option ${word}\n${usage}`);
    else words.push(word);
  }
  return { folders, flags, words };
}

/** The folder of the system that is written to. Throws UsageError when that needs root and we are not. */
export function systemRoot(given: Given): string {
  const root = given.folders.get("--root") ?? "/";
  if (root === "/" && process.getuid?.() !== 0) {
    throw new UsageError("writing to this system needs root; --root FOLDER writes elsewhere");
  }
  return root;
}

/** Runs a command; an error is one message on stderr and exit status 1. */
export async function runToExit(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`gazelle: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

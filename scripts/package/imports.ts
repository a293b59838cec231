/** Which compiled modules a program needs: a walk over the import statements of what the build made. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

const IMPORT = /^\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

function importsOf(path: string): string[] {
  const found = readFileSync(path, "utf8").matchAll(IMPORT);
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/**
 * Absolute paths of the entry modules and of everything they import, in the order of the walk. Throws
 * for a package that is neither Node's nor ours: an installation carries no node_modules.
 */
export function reachedModules(entries: readonly string[]): string[] {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const name of importsOf(path)) {
      if (name.startsWith("node:")) continue;
      if (!name.startsWith(".")) throw new Error(`${path} imports ${name}`);
      waiting.push(resolve(dirname(path), name));
    }
  }
  return [...reached];
}

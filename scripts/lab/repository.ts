/** Where this clone is and what it builds. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) {
      return folder;
    }
  }
  throw new Error(`no package.json above ${start}`);
}

/** The folder of the clone, whatever the current directory is. */
export const repositoryRoot = findRoot();

/** The library that is preloaded into accelerated programs. */
const stackLibrary = join(repositoryRoot, "build", "liblstack.so");

/** What the preloaded library opens in a selected program. */
const engineLibrary = join(repositoryRoot, "build", "liblstack-engine.so");

/** @throws Error naming the remedy when a library has not been built. */
export function requireStackLibrary(): void {
  for (const library of [stackLibrary, engineLibrary]) {
    if (!existsSync(library)) {
      throw new Error(`build/${basename(library)} is missing: build it with \`npm run build\``);
    }
  }
}

/**
 * What makes the dynamic linker load the library into a program. It splits LD_PRELOAD at blanks, which a
 * clone's path may contain, but LD_LIBRARY_PATH only at colons.
 */
export function preloadEnvironment(): Record<string, string> {
  return /\s/.test(stackLibrary)
    ? { LD_PRELOAD: basename(stackLibrary), LD_LIBRARY_PATH: dirname(stackLibrary) }
    : { LD_PRELOAD: stackLibrary };
}

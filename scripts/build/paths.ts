import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The compiled scripts lie under build/node, which has no package.json: the first one upwards is the clone's.
 */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no package.json above the scripts");
    folder = parent;
  }
  return folder;
}

/** Absolute path of the clone. */
export const ROOT = findRoot();

/** Absolute path of the folder for everything generated. */
export const BUILD = join(ROOT, "build");

/** Absolute path of a file or folder of the clone. */
export function inRoot(...parts: string[]): string {
  return join(ROOT, ...parts);
}

/** Absolute path of a generated file or folder. */
export function inBuild(...parts: string[]): string {
  return join(BUILD, ...parts);
}

/** A path as people read it: relative to the clone. */
export function shown(path: string): string {
  return relative(ROOT, path) || ".";
}

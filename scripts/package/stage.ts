/** Puts the contents of an installation below a root folder. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Item } from "./contents.js";

function sameText(one: string, other: string): boolean {
  return readFileSync(one).equals(readFileSync(other));
}

/** A file that must be there is not: says which, and what makes it. */
export function requireSources(items: readonly Item[]): void {
  for (const item of items) {
    if (item.kind === "file" && !existsSync(item.source)) {
      throw new Error(`${item.source} is missing; \`npm run build\` makes what lies in build/`);
    }
  }
}

/** What staging did; paths without the root. */
export interface Staged {
  written: string[];
  /** Folders that were not there before; what lies in them is not named again. */
  folders: string[];
}

/**
 * Copies everything below `root` ("/" for this system). A configuration file that is there and differs stays;
 * the new one lies beside it, with `.new` at its end.
 */
export function stage(items: readonly Item[], root: string): Staged {
  const written: string[] = [];
  const folders: string[] = [];
  for (const item of items) {
    let target = item.target;
    const path = join(root, target);
    const made = mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    if (made !== undefined) folders.push(join("/", relative(root, made)));
    if (item.kind === "link") {
      rmSync(path, { force: true });
      symlinkSync(item.source, path);
    } else {
      if (item.isConfiguration && existsSync(path) && !sameText(item.source, path)) target += ".new";
      // A library that a running program has mapped must not change under it: a new file, not new contents.
      rmSync(join(root, target), { force: true });
      copyFileSync(item.source, join(root, target));
      chmodSync(join(root, target), item.mode);
    }
    written.push(target);
  }
  return { written, folders };
}

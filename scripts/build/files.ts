import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Every file below a folder whose name ends with one of the suffixes, sorted; nothing if the folder is
 * absent.
 */
export function listFiles(folder: string, suffixes: readonly string[]): string[] {
  if (!existsSync(folder)) return [];
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...listFiles(path, suffixes));
    else if (suffixes.some((suffix) => entry.name.endsWith(suffix))) found.push(path);
  }
  return found.sort();
}

/** Like listFiles, without the folders inside. */
export function listFolder(folder: string, suffixes: readonly string[]): string[] {
  return listFiles(folder, suffixes).filter((path) => dirname(path) === folder);
}

/** Writes a whole file or nothing: readers never see half of it. Unchanged content keeps its date. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the package: the first one upwards with a package.json, as build/node has none. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Absolute path of the package. */
export const PACKAGE = packageFolder();

/** Where a built or installed file may be, in the order of preference. */
function candidates(name: string): string[] {
  return [
    join(PACKAGE, "build", name),
    join("/usr/local/lib", name),
    join("/usr/lib64", name),
    join("/usr/lib", name),
  ];
}

/** Absolute path of a file of the build or of an installation, or null. */
export function findInstalled(name: string): string | null {
  return candidates(name).find((path) => existsSync(path)) ?? null;
}

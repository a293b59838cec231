import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the package: the first one upwards with a package.json, as build/node has none. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Absolute path of the package. */
const PACKAGE = packageFolder();

/** Debian's name of an architecture in /usr/lib, by Node's. */
const MULTIARCH: Readonly<Record<string, string>> = {
  x64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};

/**
 * Where a built or installed file may be, in the order of preference: the package lies in build's parent, or
 * in lib/gazelle of a prefix.
 */
function candidates(name: string): string[] {
  const prefix = dirname(dirname(PACKAGE));
  const folders = ["lib", "lib64", join("lib", MULTIARCH[process.arch] ?? process.arch)];
  return [join(PACKAGE, "build", name), ...folders.map((folder) => join(prefix, folder, name))];
}

/** Absolute path of a file of the build or of an installation, or null. */
export function findInstalled(name: string): string | null {
  return candidates(name).find((path) => existsSync(path)) ?? null;
}

/** The version of the package, which all its programs have. */
export function version(): string {
  const text = readFileSync(join(PACKAGE, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

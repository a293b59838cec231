/** Installation without a package manager, and its end. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "../build/command.js";
import { contents, type Item } from "./contents.js";
import { localFolders } from "./folders.js";
import { requireSources, stage } from "./stage.js";

/** What an installation wrote, so that the end of it removes exactly that. */
interface Installed {
  prefix: string;
  /** Path and SHA-256 of every file as we would write it ("" for a link). */
  files: readonly [string, string][];
  /** Folders that we made. */
  folders: readonly string[];
}

/** Where the list lies: fixed, so that an uninstall needs no memory of the prefix. */
const LIST = "/var/lib/gazelle/installed.json";

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function readList(root: string): Installed | null {
  const path = join(root, LIST);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Installed) : null;
}

/** Removes the folder of a removed file, and those above it, as far as we made them and they are empty. */
function removeEmptyFolders(file: string, root: string, made: readonly string[]): void {
  const isOurs = (folder: string) => made.some((own) => folder === own || folder.startsWith(`${own}/`));
  for (let at = dirname(file); isOurs(at); at = dirname(at)) {
    const folder = join(root, at);
    if (!existsSync(folder)) continue;
    if (readdirSync(folder).length > 0) return;
    rmdirSync(folder);
  }
}

/** What a new installation leaves on record: a configuration that was kept counts as changed, not as ours. */
function filesOf(items: readonly Item[], written: readonly string[], root: string): [string, string][] {
  const renewed = written.filter((path) => path.endsWith(".new"));
  return [
    ...items.map((item): [string, string] => [item.target, item.kind === "link" ? "" : digest(item.source)]),
    ...renewed.map((path): [string, string] => [path, digest(join(root, path))]),
  ];
}

/** The unit is ended, and forgotten by what it was enabled for, while it is still there. */
async function endUnit(root: string): Promise<void> {
  if (root === "/" && existsSync("/run/systemd/system")) {
    await run("systemctl", ["disable", "--now", "ltran.service"]);
  }
}

async function refreshLinker(root: string): Promise<void> {
  if (root === "/") await run("ldconfig", []);
}

/** Installs the build below `prefix`, in the system that `root` holds ("/": this one). */
export async function install(prefix: string, root: string): Promise<void> {
  const before = readList(root);
  if (before !== null && before.prefix !== prefix) {
    throw new Error(
      `Gazelle is installed below ${before.prefix} already; \`npm run uninstall:system\` removes it`,
    );
  }
  const items = contents(localFolders(prefix));
  requireSources(items);
  const { written, folders } = stage(items, root);
  const made = mkdirSync(dirname(join(root, LIST)), { recursive: true });
  const files = filesOf(items, written, root);
  const names = new Set(files.map(([path]) => path));
  const list: Installed = {
    prefix,
    files: [...(before?.files ?? []).filter(([path]) => !names.has(path)), ...files],
    folders: [
      ...(before?.folders ?? []),
      ...folders,
      ...(made === undefined ? [] : [join("/", relative(root, made))]),
    ],
  };
  writeFileSync(join(root, LIST), `${JSON.stringify(list, null, 1)}\n`);
  await refreshLinker(root);
  const renewed = written.filter((path) => path.endsWith(".new"));
  for (const path of renewed) console.log(`kept ${path.slice(0, -4)} as it is; the new one is ${path}`);
  console.log(`Gazelle is installed below ${prefix}; configuration: /etc/gazelle`);
}

/** Removes what was installed. A configuration file that was changed since stays, unless `purge`. */
export async function uninstall(root: string, purge: boolean): Promise<void> {
  const list = readList(root);
  if (list === null) throw new Error(`nothing to remove: ${join(root, LIST)} does not exist`);
  await endUnit(root);
  for (const [path, hash] of list.files) {
    const target = join(root, path);
    const isChanged = hash !== "" && existsSync(target) && digest(target) !== hash;
    if (isChanged && path.startsWith("/etc/gazelle/") && !purge) {
      console.log(`${path} was changed and stays; \`npm run uninstall:system -- --purge\` removes it too`);
      continue;
    }
    rmSync(target, { force: true });
    removeEmptyFolders(path, root, list.folders);
  }
  rmSync(join(root, LIST));
  removeEmptyFolders(LIST, root, list.folders);
  await refreshLinker(root);
  console.log("Gazelle is removed");
}

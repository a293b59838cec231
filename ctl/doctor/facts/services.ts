/** Services of systemd that preload liblstack.so, as their unit files say. */
import { realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { names, text } from "./command.js";
import type { Service } from "./facts.js";

/** Where an administrator makes and changes units. */
const CHANGES = ["etc/systemd/system", "run/systemd/system"];
/** Where packages have theirs. */
const PACKAGES = ["usr/lib/systemd/system", "lib/systemd/system"];
const UNIT = /\.service$/;

/** A unit's own file and what was added to it, in these folders. */
function unitText(unit: string, folders: readonly string[]): string {
  const parts = folders.flatMap((folder) => {
    const additions = join(folder, `${unit}.d`);
    const files = names(additions).filter((name) => name.endsWith(".conf"));
    return [join(folder, unit), ...files.sort().map((name) => join(additions, name))];
  });
  return parts.map(text).join("\n");
}

/** The names of the program that a unit starts: its own, and that of the file it is a link to. */
function programNames(unit: string): string[] {
  const starts = [...unit.matchAll(/^\s*ExecStart=[-@:+!|]*(\S+)/gm)];
  const path = starts.at(-1)?.[1] ?? "";
  if (path === "") return [];
  try {
    return [...new Set([basename(path), basename(realpathSync(path))])];
  } catch {
    return [basename(path)];
  }
}

/** Services below `root` that have the library. */
export function readServices(root = "/"): Service[] {
  const changes = CHANGES.map((folder) => join(root, folder));
  const all = changes.flatMap((folder) => names(folder).map((name) => name.replace(/\.d$/, "")));
  return [...new Set(all.filter((name) => UNIT.test(name)))].sort().flatMap((unit) => {
    const changed = unitText(unit, changes);
    if (!/^\s*Environment=.*\bLD_PRELOAD=\S*liblstack\.so/m.test(changed)) return [];
    const packaged = PACKAGES.map((folder) => text(join(root, folder, unit))).find((one) => one !== "") ?? "";
    const wanted = /^\s*Environment=.*\bGAZELLE_BIND_PROCNAME=([^"'\s]*)/m.exec(changed)?.[1] ?? null;
    return [{ unit, wanted, names: programNames(`${packaged}\n${changed}`) }];
  });
}

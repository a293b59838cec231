// Runs build/gazelle-check, the code and the module of a start, on configurations made by tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { inBuild } from "../../scripts/build/paths.js";

/** The smallest right configuration, one option a line. */
export const MINIMAL: Readonly<Record<string, string>> = {
  host_addr: '"192.168.1.10"',
  mask_addr: '"255.255.255.0"',
  devices: '"eth1"',
};

/** What the checker said about one file; the file's name is cut off the messages. */
export interface Verdict {
  status: number | null;
  errors: string[];
  warnings: string[];
  /** Values that a start would use; lists as their elements joined by blanks. */
  values: Record<string, string>;
}

const folder = mkdtempSync(join(tmpdir(), "gz-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let written = 0;

/** Path of a new file with the given content. */
export function newFile(content: string | Uint8Array): string {
  written += 1;
  const path = join(folder, `${written}.conf`);
  writeFileSync(path, content);
  return path;
}

/** A file's text: the minimal configuration with other or further options; an empty value leaves one out. */
export function configuration(options: Readonly<Record<string, string>>): string {
  const all = { ...MINIMAL, ...options };
  const lines = Object.entries(all).filter(([, value]) => value !== "");
  return lines.map(([key, value]) => `${key} = ${value}\n`).join("");
}

function parseValues(output: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const match of output.matchAll(/^(\w+)(\[\])? = (.*)$/gm)) {
    const [, key = "", list, value = ""] = match;
    values[key] = list === undefined || values[key] === undefined ? value : `${values[key]} ${value}`;
  }
  return values;
}

/** Checks the file at a path. */
export function checkPath(path: string, ...options: string[]): Verdict {
  const result = spawnSync(inBuild("gazelle-check"), ["--values", ...options, path], { encoding: "latin1" });
  const lines = result.stderr.split("\n").filter((line) => line !== "");
  const messages = lines.map((line) => (line.startsWith(`${path}:`) ? line.slice(path.length + 1) : line));
  const isWarning = (message: string) => /^\d+: warning: /.test(message);
  return {
    status: result.status,
    errors: messages.filter((message) => !isWarning(message)),
    warnings: messages.filter(isWarning),
    values: parseValues(result.stdout),
  };
}

/** Checks a file with the given content. */
export function checkText(content: string | Uint8Array, ...options: string[]): Verdict {
  return checkPath(newFile(content), ...options);
}

/** Checks the minimal configuration with other or further options. */
export function checkOptions(options: Readonly<Record<string, string>>, ...flags: string[]): Verdict {
  return checkText(configuration(options), ...flags);
}

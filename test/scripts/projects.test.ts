import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { inRoot, ROOT, shown } from "../../scripts/build/paths.js";
import { readSources } from "../../scripts/tidy/source.js";

const COMPILER = inRoot("node_modules", "typescript", "bin", "tsc");

function filesOf(project: string): string[] {
  const args = [COMPILER, "-p", inRoot(project), "--listFilesOnly"];
  const output = execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  return output.split("\n").map((path) => shown(path));
}

test("every TypeScript file is type-checked by a project", () => {
  const sources = readSources(ROOT).map((source) => source.path);
  const projects = sources.filter((path) => /(^|\/)tsconfig\.json$/.test(path));
  const checked = new Set(projects.flatMap(filesOf));
  const unchecked = sources.filter((path) => path.endsWith(".ts") && !checked.has(path));
  assert.deepEqual(unchecked, []);
});

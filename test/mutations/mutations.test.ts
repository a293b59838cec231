import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { inBuild, inRoot, ROOT } from "../../scripts/build/paths.js";
import { MUTATIONS, type Mutation } from "./mutations.js";

const FOLDER = inBuild("mutations");

/** Compiled tests and what they import, beside a module of their own. */
function layOut(folder: string): void {
  mkdirSync(join(folder, "build", "stack"), { recursive: true });
  cpSync(inRoot("stack"), join(folder, "stack"), { recursive: true });
  symlinkSync(inBuild("generated"), join(folder, "build", "generated"));
  for (const part of ["sim", "build", join("test", "stack")]) {
    cpSync(inBuild("node", part), join(folder, "build", "node", part), { recursive: true });
  }
}

function compile(folder: string): void {
  const options = ["--runtime", "stub", "--importMemory", "--memoryBase", "1024", "-O1", "--use", "abort="];
  const shown = (path: string) => relative(ROOT, join(folder, path));
  const arguments_ = [
    inRoot("node_modules", "assemblyscript", "bin", "asc.js"),
    shown("stack/index.ts"),
    "-o",
    shown("build/stack/stack.wasm"),
    ...options,
    "--enable",
    "simd",
  ];
  const done = spawnSync(process.execPath, arguments_, { cwd: ROOT, encoding: "utf8" });
  assert.equal(done.status, 0, done.stdout + done.stderr);
}

/** Runs a test file on the module in `folder`; answers its exit status. */
function run(folder: string, test: string): number | null {
  const file = join(folder, "build", "node", "test", `${test}.js`);
  const environment = { ...process.env };
  // Set by the runner that runs us: it would make the inner one report to it instead of failing.
  delete environment.NODE_TEST_CONTEXT;
  const options = { cwd: folder, env: environment, timeout: 120_000 };
  return spawnSync(process.execPath, ["--test", file], options).status;
}

function mutate(folder: string, { file, from, to }: Mutation): void {
  const path = join(folder, "stack", file);
  const text = readFileSync(path, "utf8");
  assert.equal(text.split(from).length, 2, `${file} has the line "${from}" not exactly once`);
  writeFileSync(path, text.replace(from, to));
}

describe("Mutations", () => {
  after(() => rmSync(FOLDER, { recursive: true, force: true }));
  it("the tests pass without one", () => {
    const folder = join(FOLDER, `${process.pid}-none`);
    layOut(folder);
    compile(folder);
    for (const test of new Set(MUTATIONS.map((mutation) => mutation.test)))
      assert.equal(run(folder, test), 0, test);
    rmSync(folder, { recursive: true });
  });
  for (const [index, mutation] of MUTATIONS.entries()) {
    it(`${mutation.name} taken out breaks ${mutation.test}`, () => {
      const folder = join(FOLDER, `${process.pid}-${index}`);
      layOut(folder);
      mutate(folder, mutation);
      compile(folder);
      assert.equal(run(folder, mutation.test), 1, "nobody noticed");
      rmSync(folder, { recursive: true });
    });
  }
});

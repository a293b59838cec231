import assert from "node:assert/strict";
import { type ExecFileOptions, execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { inBuild, inRoot, ROOT } from "../../scripts/build/paths.js";
import { MUTATIONS, type Mutation } from "./mutations.js";

const FOLDER = inBuild("mutations");
const STACK = { name: "stack", folder: "stack" } as const;
const DISPATCH = { name: "dispatch", folder: join("ltran", "dispatch") } as const;
const MODULES = [STACK, DISPATCH];

function moduleOf({ module }: Mutation): (typeof MODULES)[number] {
  return module === "dispatch" ? DISPATCH : STACK;
}

/** Compiled tests and what they import, beside a module of their own. */
function layOut(folder: string): void {
  for (const module of MODULES) {
    mkdirSync(join(folder, "build", module.name), { recursive: true });
    cpSync(inRoot(module.folder), join(folder, module.folder), { recursive: true });
  }
  for (const room of ["kernel", "ring"]) symlinkSync(inRoot(room), join(folder, room));
  symlinkSync(inBuild("generated"), join(folder, "build", "generated"));
  for (const part of ["sim", "build", join("test", "stack"), join("test", "dispatch")]) {
    cpSync(inBuild("node", part), join(folder, "build", "node", part), { recursive: true });
  }
}

interface Ended {
  /** null: ended by a signal, its limit's perhaps. */
  status: number | null;
  output: string;
}

/** Runs Node; two of these at a time keep the smallest machine busy. */
function runNode(arguments_: readonly string[], options: ExecFileOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const done = (_: unknown, stdout: string | Buffer, stderr: string | Buffer) =>
      resolve({ status: child.exitCode, output: `${stdout}${stderr}` });
    const child = execFile(process.execPath, arguments_, { ...options, maxBuffer: 1 << 24 }, done);
  });
}

async function compile(folder: string, module: (typeof MODULES)[number]): Promise<void> {
  const options = ["--runtime", "stub", "--importMemory", "--memoryBase", "1024", "-O1", "--use", "abort="];
  const shown = (path: string) => relative(ROOT, join(folder, path));
  const arguments_ = [
    inRoot("node_modules", "assemblyscript", "bin", "asc.js"),
    shown(join(module.folder, "index.ts")),
    "-o",
    shown(join("build", module.name, `${module.name}.wasm`)),
    ...options,
    "--enable",
    "simd",
  ];
  const done = await runNode(arguments_, { cwd: ROOT });
  assert.equal(done.status, 0, done.output);
}

/** Runs a test file on the module in `folder`. */
function runTest(folder: string, test: string): Promise<Ended> {
  const file = join(folder, "build", "node", "test", `${test}.js`);
  const environment = { ...process.env };
  // Set by the runner that runs us: it would make the inner one report to it instead of failing.
  delete environment.NODE_TEST_CONTEXT;
  return runNode([file], { cwd: folder, env: environment, timeout: 120_000 });
}

function mutate(folder: string, mutation: Mutation): void {
  const { file, from, to } = mutation;
  const path = join(folder, moduleOf(mutation).folder, file);
  const text = readFileSync(path, "utf8");
  assert.equal(text.split(from).length, 2, `${file} has the line "${from}" not exactly once`);
  writeFileSync(path, text.replace(from, to));
}

describe("Mutations", { concurrency: 2 }, () => {
  after(() => rmSync(FOLDER, { recursive: true, force: true }));
  it("the tests pass without one", async () => {
    const folder = join(FOLDER, `${process.pid}-none`);
    layOut(folder);
    for (const module of MODULES) await compile(folder, module);
    for (const test of new Set(MUTATIONS.map((mutation) => mutation.test))) {
      const ended = await runTest(folder, test);
      assert.equal(ended.status, 0, `${test}\n${ended.output}`);
    }
    rmSync(folder, { recursive: true });
  });
  for (const [index, mutation] of MUTATIONS.entries()) {
    it(`${mutation.name} taken out breaks ${mutation.test}`, async () => {
      const folder = join(FOLDER, `${process.pid}-${index}`);
      layOut(folder);
      mutate(folder, mutation);
      await compile(folder, moduleOf(mutation));
      const ended = await runTest(folder, mutation.test);
      assert.equal(ended.status, 1, `nobody noticed\n${ended.output}`);
      rmSync(folder, { recursive: true });
    });
  }
});

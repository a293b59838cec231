import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { listFiles } from "../build/files.js";
import { inRoot, shown } from "../build/paths.js";

/** A program whose exit status decides: one test. */
export interface CommandTest {
  name: string;
  program: string;
  args: readonly string[];
}

/** One suite of `npm test`: programs, or every *.test.ts below some folders. */
export interface Suite {
  name: string;
  commands: readonly CommandTest[];
  folders: readonly string[];
  /** Namespaces, raw sockets, packages: cannot run as an ordinary user. */
  needsRoot: boolean;
  /** Runs on sources alone: makes sense even if the build failed. */
  static: boolean;
  /** Files that run at the same time. */
  parallel: number;
  /** Ends of names of files that mostly wait for something: they run beside the others, from the start. */
  beside: readonly string[];
  /** Longest time for one file or program, in seconds. */
  limit: number;
}

const COMPILER = inRoot("node_modules", "typescript", "bin", "tsc");
const BIOME = inRoot("node_modules", "@biomejs", "biome", "bin", "biome");

/** Every TypeScript project of the clone: all sources belong to one. */
function typeChecks(): CommandTest[] {
  const folders = [
    ".",
    "scripts",
    "stack",
    "ring",
    "kernel",
    "ltran",
    "config",
    "ctl",
    "sim",
    "bench",
    "test",
  ];
  const nested = folders.slice(1).flatMap((folder) => listFiles(inRoot(folder), ["tsconfig.json"]));
  const projects = [inRoot("tsconfig.json"), ...nested].filter((path) => basename(path) === "tsconfig.json");
  return projects.map((path) => ({
    name: `tsc ${shown(dirname(path))}`,
    program: process.execPath,
    args: [COMPILER, "-p", path, "--noEmit"],
  }));
}

function folderSuite(name: string, folders: readonly string[], rest: Partial<Suite>): Suite {
  const plain = { commands: [], needsRoot: false, static: false, parallel: 1, beside: [], limit: 300 };
  return { ...plain, ...rest, name, folders };
}

/** The suites in their order; a suite without any test is a failure, not a gap. */
export function suites(): Suite[] {
  const biome = [BIOME, "ci", "--error-on-warnings", "--colors=off", "--max-diagnostics=100"];
  return [
    folderSuite("tidy", ["test/tidy", "test/scripts"], { static: true, parallel: 2 }),
    folderSuite("types", [], { static: true, commands: typeChecks() }),
    folderSuite("biome", [], {
      static: true,
      commands: [{ name: "biome ci", program: process.execPath, args: biome }],
    }),
    folderSuite("unit", ["test/stack", "test/ring", "test/dispatch"], { parallel: 2 }),
    folderSuite("config", ["test/config"], { parallel: 2 }),
    folderSuite("sim", ["test/sim", "test/fuzz"], { parallel: 2, limit: 900 }),
    folderSuite("bench", ["test/bench"], {}),
    folderSuite("mutations", ["test/mutations"], { limit: 600 }),
    folderSuite("native", ["test/lstack"], { needsRoot: true }),
    folderSuite("ltran", ["test/ltran"], { needsRoot: true }),
    folderSuite("ctl", ["test/ctl"], { needsRoot: true }),
    folderSuite("package", ["test/package"], { needsRoot: true, parallel: 2, limit: 900 }),
    folderSuite("apps", ["test/apps"], {
      needsRoot: true,
      beside: ["/background-save.test.ts"],
      limit: 600,
    }),
  ];
}

/** The test files of a suite, as sources. */
export function testFiles(suite: Suite): string[] {
  return suite.folders.flatMap((folder) => listFiles(inRoot(folder), [".test.ts"]));
}

/** The program that a test source was compiled to. */
export function compiledTest(source: string): string {
  return inRoot("build", "node", shown(source).replace(/\.ts$/, ".js"));
}

/** Whether the compiled program exists. */
export function isCompiled(source: string): boolean {
  return existsSync(compiledTest(source));
}

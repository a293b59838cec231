import { existsSync } from "node:fs";
import { listFiles } from "./files.js";
import { SYSTEM_OUTPUTS } from "./generate-system.js";
import { inBuild, inRoot } from "./paths.js";

/** A WebAssembly module that becomes native code. */
export interface Module {
  /** Module name of wasm2c, and of the outputs. */
  name: string;
  /** Entry file: its exports are the module's doors. */
  entry: string;
  /** Folders whose TypeScript decides whether to compile again: its own, and those that it shares. */
  folders: readonly string[];
  /** Its memory never grows: the shell maps all of it. */
  isFixed: boolean;
  wasm: string;
  c: string;
  header: string;
  object: string;
}

/** A module whose entry file is index.ts of `folder`; `shared` are other folders that it is made of. */
export function describeModule(
  name: string,
  folder: string,
  isFixed: boolean,
  shared: readonly string[] = [],
): Module {
  return {
    name,
    entry: inRoot(folder, "index.ts"),
    folders: [folder, ...shared].map((path) => inRoot(path)),
    isFixed,
    wasm: inBuild(name, `${name}.wasm`),
    c: inBuild(name, `${name}.c`),
    header: inBuild(name, `${name}.h`),
    object: inBuild("native", `${name}.o`),
  };
}

/** Every module, by name and folder; one without an entry file is left out. */
export function modules(): Module[] {
  const all = [
    describeModule("stack", "stack", true, ["ring", "kernel"]),
    describeModule("config", "config/module", false),
    describeModule("dispatch", "ltran/dispatch", true, ["stack", "ring", "kernel"]),
  ];
  return all.filter((module) => existsSync(module.entry));
}

/** The files that decide whether a module is up to date. */
export function moduleInputs(module: Module): string[] {
  return [...module.folders.flatMap((folder) => listFiles(folder, [".ts"])), SYSTEM_OUTPUTS.stack];
}

/** Options of the AssemblyScript compiler for everything that ends up in native code. */
export const ASC_OPTIONS = [
  // Names of functions for debuggers and profiles; the code section is the same, byte for byte.
  "--debug",
  "--runtime",
  "stub",
  "--importMemory",
  "--memoryBase",
  "1024",
  "-O3",
  "--use",
  "abort=",
  "--enable",
  "simd",
];

const ASC = "assemblyscript/bin/asc.js";
const WASM2C = "wabt/bin/wasm2c";

/** Paths of the two compilers below node_modules. */
export const COMPILERS = { asc: ASC, wasm2c: WASM2C };

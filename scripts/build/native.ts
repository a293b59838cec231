import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname } from "node:path";
import { CommandError, runChecked } from "./command.js";
import { DPDK_COMPILE, DPDK_LINK } from "./dpdk-link.js";
import { listFolder } from "./files.js";
import type { Module } from "./modules.js";
import { inBuild, inRoot, shown } from "./paths.js";
import type { Step } from "./step.js";

/** One baseline for every machine (DESIGN D16); variants for newer ones are chosen at start. */
const MACHINE = process.arch === "x64" ? ["-march=x86-64-v2"] : [];

const COMMON = [
  "-std=gnu11",
  "-D_GNU_SOURCE",
  "-O3",
  "-g",
  "-fPIC",
  "-fvisibility=hidden",
  // The generated code reads linear memory through pointers of every size; without this -O3 broke checksums.
  "-fno-strict-aliasing",
  "-ffunction-sections",
  ...MACHINE,
];

const HAND_WRITTEN = ["-Wall", "-Wextra", "-Werror"];
// wasm2c declares helpers for every WebAssembly feature, used or not.
const GENERATED = ["-Wall", "-Werror", "-Wno-unused"];

const INCLUDES = ["-Ibuild/generated", "-Ibuild/stack", "-Ibuild", "-Ilstack", "-Ilstack/runtime"];

/** The module's imports as static functions, put in front of the generated code so that gcc inlines them. */
const IMPORTS = inRoot("lstack", "runtime", "imports.h");

/** A shared object made from folders of C files and compiled modules. */
export interface SharedObject {
  name: string;
  folders: readonly string[];
  /** Single files of other folders. */
  files?: readonly string[];
  modules: readonly string[];
  /** Options for compiling its own C files, from pkg-config for example. */
  compile: readonly string[];
  link: readonly string[];
  /** The program that loads it defines a part of what it calls. */
  isPlugin?: boolean;
}

/** Every shared object; one whose folders hold no C file is not built. */
export const SHARED_OBJECTS: readonly SharedObject[] = [
  {
    name: "liblstack.so",
    folders: ["lstack/preload"],
    modules: [],
    compile: [],
    link: ["-ldl"],
  },
  {
    name: "liblstack-engine.so",
    folders: ["lstack/runtime", "lstack/port"],
    modules: ["stack", "config"],
    compile: [],
    link: ["-lpthread", "-lconfig", "-lm"],
  },
  {
    name: "native/ltran.node",
    folders: ["ltran/native"],
    files: [
      "lstack/port/netlink.c",
      "lstack/port/owner.c",
      "lstack/port/packet.c",
      "lstack/port/tap.c",
      "lstack/runtime/wasm_rt_memory.c",
    ],
    modules: ["dispatch"],
    compile: ["-Iltran", "-Inode_modules/node-api-headers/include", "-DNAPI_VERSION=8"],
    link: ["-lpthread", "-ldl"],
    // What it calls of Node is found in the program that loads it.
    isPlugin: true,
  },
  {
    name: "liblstack-dpdk.so",
    folders: ["lstack/port/dpdk"],
    files: ["lstack/runtime/allocate.c"],
    modules: [],
    compile: DPDK_COMPILE,
    link: DPDK_LINK,
  },
];

/** The compiler's identity, part of every key. */
export async function compilerVersion(): Promise<string> {
  const text = await runChecked("gcc", ["--version"]);
  return text.split("\n")[0] ?? "";
}

/** The headers a compilation read, from gcc's dependency file; none before the first. */
function dependencies(file: string): string[] {
  if (!existsSync(file)) return [];
  const rule = readFileSync(file, "utf8").replaceAll("\\\n", " ");
  const names = rule.slice(rule.indexOf(":") + 1).trim();
  return names.split(/(?<!\\)\s+/).map((name) => inRoot(name.replaceAll("\\ ", " ")));
}

function compileStep(
  source: string,
  object: string,
  options: readonly string[],
  compiler: string,
  variant = "",
): Step {
  const list = `${object}.d`;
  return {
    name: `gcc ${shown(source)}${variant === "" ? "" : ` (${variant})`}`,
    inputs: () => [source, ...dependencies(list)],
    options: [...options, compiler],
    outputs: [object, list],
    work: async () => {
      mkdirSync(dirname(object), { recursive: true });
      const temporary = `${object}.${process.pid}.tmp`;
      const track = ["-MMD", "-MF", shown(list), "-MT", "object"];
      await runChecked("gcc", [...options, ...track, "-c", shown(source), "-o", shown(temporary)], true);
      renameSync(temporary, object);
    },
  };
}

/** Compiles the C of a translated module. */
export function moduleObjectStep(module: Module, compiler: string): Step {
  const inline = module.isFixed ? ["-include", shown(IMPORTS)] : [];
  return compileStep(module.c, module.object, [...COMMON, ...GENERATED, ...INCLUDES, ...inline], compiler);
}

/** Compiles one hand-written C file. */
export function handWrittenStep(source: string, compiler: string): Step {
  return compileStep(source, objectOf(source), [...COMMON, ...HAND_WRITTEN, ...INCLUDES], compiler);
}

/** Where the object file of a hand-written C file is; a variant is one compiled with other options. */
export function objectOf(source: string, variant = ""): string {
  return inBuild("native", variant, `${shown(source).replaceAll("/", "-")}.o`);
}

/** A source that several objects share is compiled once for each set of options. */
function variantOf(object: SharedObject): string {
  return object.compile.length > 0 ? basename(object.name, ".node") : "";
}

function sourcesOf(object: SharedObject): string[] {
  const files = (object.files ?? []).map((file) => inRoot(file));
  return [...object.folders.flatMap((folder) => listFolder(inRoot(folder), [".c"])), ...files];
}

/** Steps that compile one shared object's hand-written C; none when there is no source yet. */
export function objectSteps(object: SharedObject, compiler: string): Step[] {
  const options = [...COMMON, ...HAND_WRITTEN, ...INCLUDES, ...object.compile];
  const variant = variantOf(object);
  return sourcesOf(object).map((source) => {
    return compileStep(source, objectOf(source, variant), options, compiler, variant);
  });
}

/** The step that links a shared object, or null when it has no source yet. */
export function linkStep(object: SharedObject, modules: readonly Module[], compiler: string): Step | null {
  const sources = sourcesOf(object);
  if (sources.length === 0) return null;
  const compiled = modules
    .filter((module) => object.modules.includes(module.name))
    .map((module) => module.object);
  const objects = [...sources.map((source) => objectOf(source, variantOf(object))), ...compiled];
  const script = inRoot(object.folders[0] ?? "", "exports.map");
  const scripted = existsSync(script) ? [`-Wl,--version-script=${shown(script)}`] : [];
  const output = inBuild(object.name);
  const complete = object.isPlugin === true ? [] : ["-Wl,-z,defs"];
  const options = ["-shared", ...complete, "-Wl,-z,relro,-z,now", "-Wl,--gc-sections", ...scripted];
  return {
    name: `link ${basename(output)}`,
    inputs: [...objects, ...(existsSync(script) ? [script] : [])],
    options: [...options, ...object.link, compiler],
    outputs: [output],
    work: async () => {
      const missing = objects.filter((path) => !existsSync(path)).map(shown);
      if (missing.length > 0) throw new CommandError(`${shown(output)} not linked: no ${missing.join(", ")}`);
      const temporary = `${output}.${process.pid}.tmp`;
      const files = objects.map(shown);
      await runChecked("gcc", [...options, "-o", shown(temporary), ...files, ...object.link], true);
      renameSync(temporary, output);
    },
  };
}

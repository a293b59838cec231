/** An ltran of which the native part is built with AddressSanitizer and UndefinedBehaviorSanitizer. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "../../scripts/build/files.js";
import { SHARED_OBJECTS } from "../../scripts/build/native.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { run } from "../../scripts/lab/command.js";
import type { Launch } from "../../scripts/lab/ltran.js";

const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
const common = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g1", "-fPIC", "-fno-strict-aliasing", "-w"];
const includes = ["generated", "stack", "."].map((folder) => `-I${inBuild(folder)}`);
const ownIncludes = ["lstack", "lstack/runtime", "ltran", "node_modules/node-api-headers/include"];
const options = [
  ...common,
  ...sanitizers,
  "-fno-omit-frame-pointer",
  "-DNAPI_VERSION=8",
  ...includes,
  ...ownIncludes.map((folder) => `-I${inRoot(folder)}`),
];

/** What the addon is made of, the translated module apart. */
function sources(): string[] {
  const addon = SHARED_OBJECTS.find((object) => object.name === "native/ltran.node");
  const { folders = [], files = [] } = addon ?? {};
  const own = folders.flatMap((folder) => listFiles(inRoot(folder), [".c"]));
  return [...own, ...files.map((path) => inRoot(path))];
}

function isOlder(path: string, inputs: readonly string[]): boolean {
  if (!existsSync(path)) return true;
  const { mtimeMs } = statSync(path);
  return inputs.some((input) => statSync(input).mtimeMs > mtimeMs);
}

function buildAddon(folder: string): void {
  const addon = join(folder, "ltran.node");
  const module = inBuild("dispatch", "dispatch.c");
  const headers = [...listFiles(inRoot("ltran", "native"), [".h"]), ...listFiles(inRoot("lstack"), [".h"])];
  const lists = inBuild("node", "scripts", "build", "native.js");
  if (!isOlder(addon, [...sources(), ...headers, module, lists])) return;
  const object = join(folder, `dispatch-${process.pid}.o`);
  const temporary = `${addon}.${process.pid}`;
  const patience = { timeoutMs: 120_000 };
  // The imports of the module are inlined, as in the build.
  const imports = ["-include", inRoot("lstack", "runtime", "imports.h")];
  run("gcc", [...options, ...imports, "-c", module, "-o", object], patience);
  run("gcc", [...options, "-shared", ...sources(), object, "-o", temporary, "-lpthread", "-ldl"], patience);
  renameSync(temporary, addon);
  rmSync(object);
}

/** Anew each time: a clone that was moved has links to where it was. */
function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

/**
 * A package beside the clone's that is the same but for the addon: links, as Node finds a file by where its
 * program lies, and is told not to follow them.
 */
function makePackage(folder: string): void {
  mkdirSync(join(folder, "build", "native"), { recursive: true });
  for (const name of ["package.json", "ctl", "node_modules"]) link(inRoot(name), join(folder, name));
  for (const name of readdirSync(inBuild())) {
    if (name !== "native") link(inBuild(name), join(folder, "build", name));
  }
}

/** Builds it unless it is there. @throws Error with the compiler's messages. */
export function instrumentedLtran(): Launch {
  const folder = inBuild("test-native", "instrumented");
  makePackage(folder);
  buildAddon(join(folder, "build", "native"));
  const library = run("gcc", ["-print-file-name=libasan.so"]).toString().trim();
  const program = join(folder, "ctl", "bin", "ltran.mjs");
  return {
    nodeArguments: ["--preserve-symlinks", "--preserve-symlinks-main"],
    program,
    environment: {
      LD_PRELOAD: library,
      // Faults within the module's window are ltran's own traps.
      ASAN_OPTIONS: "detect_leaks=0:handle_segv=0:handle_sigbus=0:abort_on_error=1",
      UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
    },
  };
}

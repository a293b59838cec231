/** A room of the tests as a native program: the same way that the stack goes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runNodeTool } from "../../scripts/build/command.js";
import { hoistMemory } from "../../scripts/build/hoist-memory.js";
import { compileAssemblyScript } from "../../scripts/build/module-steps.js";
import { ASC_OPTIONS, COMPILERS } from "../../scripts/build/modules.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { run } from "../../scripts/lab/command.js";

const OPTIONS = ["-std=gnu11", "-D_GNU_SOURCE", "-O3", "-g", "-fno-strict-aliasing", "-march=x86-64-v2"];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/**
 * Compiles the room test/ring/rooms/NAME.room.ts and the C program test/ring/native/NAME.c around it; returns
 * the program's path.
 * @throws CommandError with the compilers' messages.
 */
export async function compileNativeRoom(name: string): Promise<string> {
  const folder = inBuild("test-native", "ring");
  mkdirSync(folder, { recursive: true });
  const at = (suffix: string) => join(folder, `${name}${suffix}`);
  await compileAssemblyScript(inRoot("test", "ring", "rooms", `${name}.room.ts`), at(".wasm"), ASC_OPTIONS);
  await runNodeTool(COMPILERS.wasm2c, [at(".wasm"), "-n", name, "-o", at(".c")], true);
  writeFileSync(at(".c"), hoistMemory(readFileSync(at(".c"), "utf8")));
  const includes = [`-I${folder}`, `-I${inRoot("lstack", "runtime")}`];
  const imports = ["-include", inRoot("lstack", "runtime", "imports.h")];
  run("gcc", [...OPTIONS, "-Wno-unused", ...includes, ...imports, "-c", at(".c"), "-o", at(".o")]);
  const sources = [
    inRoot("test", "ring", "native", `${name}.c`),
    inRoot("lstack", "runtime", "wasm_rt_memory.c"),
  ];
  run("gcc", [...OPTIONS, ...WARNINGS, ...includes, ...sources, at(".o"), "-o", at("")]);
  return at("");
}

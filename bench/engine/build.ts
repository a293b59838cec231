import { mkdirSync } from "node:fs";
import { withBuildLock } from "../../scripts/build/lock.js";
import { translateStep, wasmStep } from "../../scripts/build/module-steps.js";
import { describeModule, modules } from "../../scripts/build/modules.js";
import {
  compilerVersion,
  linkStep,
  moduleObjectStep,
  objectSteps,
  type SharedObject,
} from "../../scripts/build/native.js";
import { inBuild } from "../../scripts/build/paths.js";
import { type Program, programLinkStep, programObjectSteps } from "../../scripts/build/programs.js";
import { runStep, runSteps } from "../../scripts/build/step.js";

/** What drives the stacks: compiled like the stack itself. */
const DRIVER_MODULE = describeModule("driver", "bench/engine/driver", false);

/** What our stack needs of an application, in the stack's memory. */
const HOST_MODULE = describeModule("host", "bench/engine/host", true, ["stack"]);

const DRIVER: Program = {
  name: "bench/engine",
  sources: ["bench/engine/driver.c", "lstack/runtime/wasm_rt_memory.c"],
  modules: [DRIVER_MODULE.name],
  link: [],
};

// Callbacks have the parameters that their caller gives them, needed or not.
const UNUSED = ["-Wno-unused-parameter"];

/** Each stack with its side of bench/engine/engine.h: the same compiler options as liblstack-engine.so. */
const STACKS: Record<"ours" | "lwip", SharedObject> = {
  ours: {
    name: "bench/engine-gazelle.so",
    folders: [],
    files: ["bench/engine/gazelle.c", "lstack/runtime/wasm_rt_memory.c"],
    modules: ["stack", HOST_MODULE.name],
    compile: UNUSED,
    link: [],
  },
  lwip: {
    name: "bench/engine-lwip.so",
    folders: [],
    files: ["bench/engine/lwip.c"],
    modules: [],
    compile: [...UNUSED, "-isystem", "/usr/include/lwip"],
    link: ["-llwip"],
  },
};

/** The driver, and what it is given. */
export const ENGINE_DRIVER = inBuild(DRIVER.name);

/** The shared object of each stack. */
export const ENGINE_STACKS = { ours: inBuild(STACKS.ours.name), lwip: inBuild(STACKS.lwip.name) };

/**
 * Brings the benchmark up to date; the stack itself is built already. Throws CommandError with gcc's words.
 */
export async function buildEngineBench(): Promise<void> {
  const compiler = await compilerVersion();
  mkdirSync(inBuild("bench"), { recursive: true });
  await withBuildLock(async () => {
    const objects = Object.values(STACKS).flatMap((stack) => objectSteps(stack, compiler));
    const compiled = [DRIVER_MODULE, HOST_MODULE];
    await runSteps(compiled.map(wasmStep));
    await runSteps(compiled.map(translateStep));
    const translated = compiled.map((module) => moduleObjectStep(module, compiler));
    await runSteps([...programObjectSteps(DRIVER, compiler), ...translated, ...objects]);
    await runStep(programLinkStep(DRIVER, [DRIVER_MODULE], compiler));
    for (const stack of Object.values(STACKS)) {
      const link = linkStep(stack, [...modules(), HOST_MODULE], compiler);
      if (link !== null) await runStep(link);
    }
  });
}

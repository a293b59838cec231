import { renameSync } from "node:fs";
import { basename } from "node:path";
import { runChecked } from "./command.js";
import type { Module } from "./modules.js";
import { handWrittenStep, objectOf } from "./native.js";
import { inBuild, inRoot, shown } from "./paths.js";
import type { Step } from "./step.js";

/** A program of C files and compiled modules, for the tools on the Node side. */
export interface Program {
  name: string;
  sources: readonly string[];
  modules: readonly string[];
  link: readonly string[];
}

/** Every program. */
export const PROGRAMS: readonly Program[] = [
  {
    name: "gazelle-check",
    sources: ["ctl/native/check-config.c", "lstack/runtime/config.c", "lstack/runtime/wasm_rt_memory.c"],
    modules: ["config"],
    link: ["-lconfig", "-lm"],
  },
];

function sourcesOf(program: Program): string[] {
  return program.sources.map((source) => inRoot(source));
}

/** Steps that compile a program's own C; they may run in any order. */
export function programObjectSteps(program: Program, compiler: string): Step[] {
  return sourcesOf(program).map((source) => handWrittenStep(source, compiler));
}

/** The step that links a program, after the others. */
export function programLinkStep(program: Program, modules: readonly Module[], compiler: string): Step {
  const compiled = modules
    .filter((module) => program.modules.includes(module.name))
    .map((module) => module.object);
  const objects = [...sourcesOf(program).map((source) => objectOf(source)), ...compiled];
  const output = inBuild(program.name);
  const options = ["-Wl,-z,relro,-z,now", "-Wl,--gc-sections"];
  return {
    name: `link ${basename(output)}`,
    inputs: objects,
    options: [...options, ...program.link, compiler],
    outputs: [output],
    work: async () => {
      const temporary = `${output}.${process.pid}.tmp`;
      await runChecked(
        "gcc",
        [...options, "-o", shown(temporary), ...objects.map(shown), ...program.link],
        true,
      );
      renameSync(temporary, output);
    },
  };
}

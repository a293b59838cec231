import { CommandError, runNodeTool } from "./command.js";
import { listFiles, listFolder } from "./files.js";
import { buildHashStep } from "./generate-build-hash.js";
import { configHeaderStep } from "./generate-config.js";
import { COUNTER_TABLES, generateCounters } from "./generate-counters.js";
import { doorsStep } from "./generate-doors.js";
import { generateLayout, LAYOUT_OPTIONS, LAYOUTS } from "./generate-layout.js";
import { generateStructs, STRUCT_SOURCES, STRUCTS_OUTPUT } from "./generate-structs.js";
import { generateSystem, SYSTEM_OUTPUTS } from "./generate-system.js";
import { withBuildLock } from "./lock.js";
import { packageVersion, translateStep, wasmStep } from "./module-steps.js";
import { type Module, modules } from "./modules.js";
import {
  compilerVersion,
  linkStep,
  moduleObjectStep,
  objectSteps,
  SHARED_OBJECTS,
  type SharedObject,
} from "./native.js";
import { inBuild, inRoot } from "./paths.js";
import { PROGRAMS, programLinkStep, programObjectSteps } from "./programs.js";
import { runStep, runSteps, type Step } from "./step.js";

const TSC = "typescript/bin/tsc";
/** Folders of the Node side; what they import decides which other files tsc reads. */
const NODE_FOLDERS = [
  "scripts",
  "config",
  "ctl",
  "ltran/daemon",
  "sim",
  "bench",
  "test",
  "build/generated/node",
];

function generatedSteps(compiler: string): Step[] {
  const scripts = listFiles(inRoot("scripts", "build"), [".ts"]);
  const steps: Step[] = [
    {
      name: "system constants",
      inputs: scripts.filter((path) => /system/.test(path)),
      options: [compiler],
      outputs: Object.values(SYSTEM_OUTPUTS),
      work: generateSystem,
    },
    ...COUNTER_TABLES.map((table) => ({
      name: table.name,
      inputs: [
        ...listFolder(table.folder, [".ts"]),
        ...table.beside,
        ...scripts.filter((path) => /counters/.test(path)),
      ],
      options: [],
      outputs: Object.values(table.outputs),
      work: () => generateCounters(table),
    })),
    buildHashStep(packageVersion("assemblyscript")),
  ];
  for (const layout of LAYOUTS) {
    steps.push({
      name: layout.name,
      inputs: [
        ...layout.folders.flatMap((folder) => listFiles(folder, [".ts"])),
        ...scripts.filter((path) => /layout/.test(path)),
        SYSTEM_OUTPUTS.stack,
      ],
      options: [...LAYOUT_OPTIONS, packageVersion("assemblyscript")],
      outputs: Object.values(layout.outputs),
      work: () => generateLayout(layout),
    });
  }
  steps.push({
    name: "structs",
    // Offsets of classes follow from their own files alone.
    inputs: [...STRUCT_SOURCES, ...scripts.filter((path) => /structs|layout/.test(path))],
    options: [...LAYOUT_OPTIONS, packageVersion("assemblyscript")],
    outputs: [STRUCTS_OUTPUT],
    work: generateStructs,
  });
  return steps;
}

function nodeStep(): Step {
  const sources = NODE_FOLDERS.flatMap((folder) => listFiles(inRoot(folder), [".ts"]));
  return {
    name: "tsc (Node side)",
    inputs: [...sources, inRoot("tsconfig.json")],
    options: [packageVersion("typescript"), packageVersion("@types/node")],
    outputs: [inBuild("node", "scripts", "build.js")],
    work: async () => {
      await runNodeTool(TSC, ["-p", "tsconfig.json"], true);
    },
  };
}

/** Module by module: TypeScript, WebAssembly, C, object file. */
async function buildModule(module: Module, compiler: string): Promise<void> {
  await runStep(wasmStep(module));
  await runStep(translateStep(module));
  await runStep(moduleObjectStep(module, compiler));
  if (module.name === "dispatch") await runStep(doorsStep(module));
}

async function buildSharedObject(
  object: SharedObject,
  compiled: readonly Module[],
  compiler: string,
): Promise<void> {
  await runSteps(objectSteps(object, compiler));
  const link = linkStep(object, compiled, compiler);
  if (link !== null) await runStep(link);
}

/** Runs every part that can run, so that one build shows all there is to repair. Returns the failures. */
async function buildEverything(): Promise<Error[]> {
  const failures: Error[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const compiler = await compilerVersion();
  for (const step of generatedSteps(compiler)) await attempt(() => runStep(step));
  await attempt(() => runStep(nodeStep()));
  const compiled = modules();
  for (const module of compiled) await attempt(() => buildModule(module, compiler));
  const config = compiled.find((module) => module.name === "config");
  if (config !== undefined) await attempt(() => runStep(configHeaderStep(config)));
  for (const object of SHARED_OBJECTS) {
    await attempt(() => buildSharedObject(object, compiled, compiler));
  }
  for (const program of PROGRAMS) {
    await attempt(() => runSteps(programObjectSteps(program, compiler)));
    await attempt(() => runStep(programLinkStep(program, compiled, compiler)));
  }
  return failures;
}

/**
 * Brings build/ up to date. Prints each step that runs with its time; returns false after printing what
 * failed.
 */
export async function build(): Promise<boolean> {
  const start = performance.now();
  const failures = await withBuildLock(buildEverything);
  for (const error of failures) {
    console.error(error instanceof CommandError ? error.message : (error.stack ?? error.message));
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  if (failures.length > 0) console.error(`build FAILED  ${seconds} s, ${failures.length} failed`);
  else console.log(`build ok  ${seconds} s`);
  return failures.length === 0;
}

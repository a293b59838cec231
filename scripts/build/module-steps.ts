import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { runNodeTool } from "./command.js";
import { writeAtomically } from "./files.js";
import { hoistMemory } from "./hoist-memory.js";
import { ASC_OPTIONS, COMPILERS, type Module, moduleInputs } from "./modules.js";
import { inRoot, shown } from "./paths.js";
import type { Step } from "./step.js";

/** The version of an installed npm package, part of every key that depends on the tool. */
export function packageVersion(name: string): string {
  const text = readFileSync(inRoot("node_modules", name, "package.json"), "utf8");
  return `${name} ${(JSON.parse(text) as { version: string }).version}`;
}

/** Compiles an AssemblyScript entry file; warnings are errors. Paths are absolute. */
export async function compileAssemblyScript(
  entry: string,
  wasm: string,
  options: readonly string[],
): Promise<void> {
  mkdirSync(dirname(wasm), { recursive: true });
  const temporary = `${wasm}.${process.pid}.tmp.wasm`;
  // asc resolves imports against its base directory, the clone, and wants relative names.
  await runNodeTool(COMPILERS.asc, [shown(entry), "-o", shown(temporary), ...options], true);
  renameSync(temporary, wasm);
}

/** TypeScript to WebAssembly, with the functions' names for debuggers and profiles. */
export function wasmStep(module: Module): Step {
  const text = module.wasm.replace(/\.wasm$/, ".wat");
  const options = [...ASC_OPTIONS, "--textFile", shown(text)];
  return {
    name: `asc ${module.name}`,
    inputs: moduleInputs(module),
    options: [...options, packageVersion("assemblyscript")],
    outputs: [module.wasm, text],
    work: () => compileAssemblyScript(module.entry, module.wasm, options),
  };
}

/** WebAssembly to C. */
export function translateStep(module: Module): Step {
  return {
    name: `wasm2c ${module.name}`,
    inputs: [module.wasm, inRoot("scripts", "build", "hoist-memory.ts")],
    options: [packageVersion("wabt"), String(module.isFixed)],
    outputs: [module.c, module.header],
    work: async () => {
      const folder = dirname(module.c);
      const temporary = join(folder, `translate-${process.pid}`);
      mkdirSync(temporary, { recursive: true });
      const name = `${module.name}.c`;
      await runNodeTool(
        COMPILERS.wasm2c,
        [module.wasm, "-n", module.name, "-o", join(temporary, name)],
        true,
      );
      const text = readFileSync(join(temporary, name), "utf8");
      renameSync(join(temporary, `${module.name}.h`), module.header);
      writeAtomically(module.c, module.isFixed ? hoistMemory(text) : text);
      rmSync(temporary, { recursive: true });
    },
  };
}

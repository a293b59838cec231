import { readFileSync } from "node:fs";
import { writeAtomically } from "./files.js";
import { compileAssemblyScript } from "./module-steps.js";
import { inBuild, inRoot, shown } from "./paths.js";

/** An entry file whose exported constants are the offsets, sizes and limits that C and Node need. */
export interface Layout {
  name: string;
  entry: string;
  /** Folders whose TypeScript decides whether to compile again. */
  folders: readonly string[];
  /** In front of every name in C. */
  prefix: string;
  /** Files made from the entry: for C, for Node, and for anything else. */
  outputs: { c: string; node: string; json: string };
}

/** Every layout; one that belongs to the stack keeps the short names. */
export const LAYOUTS: readonly Layout[] = [
  {
    name: "layout",
    entry: inRoot("stack", "layout.ts"),
    folders: [inRoot("stack"), inRoot("ring"), inRoot("kernel")],
    prefix: "GZ_",
    outputs: {
      c: inBuild("generated", "stack_layout.h"),
      node: inBuild("generated", "node", "layout.ts"),
      json: inBuild("generated", "layout.json"),
    },
  },
  {
    name: "dispatch layout",
    entry: inRoot("ltran", "dispatch", "layout.ts"),
    folders: [inRoot("ltran", "dispatch"), inRoot("stack"), inRoot("ring"), inRoot("kernel")],
    prefix: "GZ_DISPATCH_",
    outputs: {
      c: inBuild("generated", "dispatch_layout.h"),
      node: inBuild("generated", "node", "dispatch-layout.ts"),
      json: inBuild("generated", "dispatch-layout.json"),
    },
  },
  {
    name: "registration layout",
    entry: inRoot("ring", "registration-layout.ts"),
    folders: [inRoot("ring")],
    prefix: "GZ_REGISTRATION_",
    outputs: {
      c: inBuild("generated", "registration_layout.h"),
      node: inBuild("generated", "node", "registration-layout.ts"),
      json: inBuild("generated", "registration-layout.json"),
    },
  },
];

/** How a layout module is compiled: any optimisation folds offsetof to constants. */
export const LAYOUT_OPTIONS = ["--runtime", "stub", "--importMemory", "-O1", "--use", "abort="];

/** Reads every exported constant of a compiled layout module: u32 as number, u64 as bigint. */
export async function readConstants(wasm: string, entry: string): Promise<[string, number | bigint][]> {
  const module = await WebAssembly.compile(readFileSync(wasm));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const constants: [string, number | bigint][] = [];
  for (const [name, value] of Object.entries(instance.exports)) {
    if (name === "memory") continue;
    if (!(value instanceof WebAssembly.Global)) throw new Error(`${entry}: ${name} is not a constant`);
    const number: unknown = value.value;
    if (typeof number === "bigint") constants.push([name, BigInt.asUintN(64, number)]);
    else if (typeof number === "number" && Number.isInteger(number)) constants.push([name, number >>> 0]);
    else throw new Error(`${entry}: ${name} is not an integer`);
  }
  return constants;
}

/** Compiles a layout's entry, reads its constants and writes the three outputs. */
export async function generateLayout(layout: Layout): Promise<void> {
  const { outputs, prefix } = layout;
  const entry = shown(layout.entry);
  const wasm = inBuild("generated", "work", `${layout.name.replace(" ", "-")}.wasm`);
  await compileAssemblyScript(layout.entry, wasm, LAYOUT_OPTIONS);
  const constants = await readConstants(wasm, entry);
  const forC = constants.map(([name, value]) => {
    return `#define ${prefix}${name} ${value}${typeof value === "bigint" ? "ull" : "u"}`;
  });
  const head = `Generated from ${entry} by scripts/build/generate-layout.ts.`;
  const guard = `${prefix}LAYOUT_H`;
  writeAtomically(
    outputs.c,
    `/* ${head} */\n#ifndef ${guard}\n#define ${guard}\n\n${forC.join("\n")}\n\n#endif\n`,
  );
  const forNode = constants.map(([name, value]) => {
    return `export const ${name} = ${value}${typeof value === "bigint" ? "n" : ""};`;
  });
  writeAtomically(outputs.node, `// ${head}\n${forNode.join("\n")}\n`);
  const table = Object.fromEntries(constants.map(([name, value]) => [name, Number(value)]));
  writeAtomically(outputs.json, `${JSON.stringify(table, null, 2)}\n`);
}

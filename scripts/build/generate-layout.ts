import { readFileSync } from "node:fs";
import { writeAtomically } from "./files.js";
import { compileAssemblyScript } from "./module-steps.js";
import { inBuild, inRoot } from "./paths.js";

/** The entry file whose exported constants are the offsets, sizes and limits that C and Node need. */
export const LAYOUT_ENTRY = inRoot("stack", "layout.ts");

/** Files made from the layout entry: for C, for Node, and for anything else. */
export const LAYOUT_OUTPUTS = {
  c: inBuild("generated", "stack_layout.h"),
  node: inBuild("generated", "node", "layout.ts"),
  json: inBuild("generated", "layout.json"),
};

/** How the layout module is compiled: any optimisation folds offsetof to constants. */
export const LAYOUT_OPTIONS = ["--runtime", "stub", "--importMemory", "-O1", "--use", "abort="];

/** Reads every exported constant of a compiled layout module: u32 as number, u64 as bigint. */
async function readConstants(wasm: string): Promise<[string, number | bigint][]> {
  const module = await WebAssembly.compile(readFileSync(wasm));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const constants: [string, number | bigint][] = [];
  for (const [name, value] of Object.entries(instance.exports)) {
    if (name === "memory") continue;
    if (!(value instanceof WebAssembly.Global)) throw new Error(`stack/layout.ts: ${name} is not a constant`);
    const number: unknown = value.value;
    if (typeof number === "bigint") constants.push([name, BigInt.asUintN(64, number)]);
    else if (typeof number === "number" && Number.isInteger(number)) constants.push([name, number >>> 0]);
    else throw new Error(`stack/layout.ts: ${name} is not an integer`);
  }
  return constants;
}

/** Compiles stack/layout.ts, reads its constants and writes the three outputs. */
export async function generateLayout(): Promise<void> {
  const wasm = inBuild("generated", "work", "layout.wasm");
  await compileAssemblyScript(LAYOUT_ENTRY, wasm, LAYOUT_OPTIONS);
  const constants = await readConstants(wasm);
  const forC = constants.map(([name, value]) => {
    return `#define GZ_${name} ${value}${typeof value === "bigint" ? "ull" : "u"}`;
  });
  const head = "Generated from stack/layout.ts by scripts/build/generate-layout.ts.";
  const guard = "GZ_STACK_LAYOUT_H";
  writeAtomically(
    LAYOUT_OUTPUTS.c,
    `/* ${head} */\n#ifndef ${guard}\n#define ${guard}\n\n${forC.join("\n")}\n\n#endif\n`,
  );
  const forNode = constants.map(([name, value]) => {
    return `export const ${name} = ${value}${typeof value === "bigint" ? "n" : ""};`;
  });
  writeAtomically(LAYOUT_OUTPUTS.node, `// ${head}\n${forNode.join("\n")}\n`);
  const table = Object.fromEntries(constants.map(([name, value]) => [name, Number(value)]));
  writeAtomically(LAYOUT_OUTPUTS.json, `${JSON.stringify(table, null, 2)}\n`);
}

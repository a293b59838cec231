import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { listFiles, writeAtomically } from "./files.js";
import { SYSTEM_OUTPUTS } from "./generate-system.js";
import { ASC_OPTIONS } from "./modules.js";
import { inBuild, inRoot, shown } from "./paths.js";
import type { Step } from "./step.js";

/** Read by stack/create.ts. */
export const BUILD_HASH_OUTPUT = inBuild("generated", "build-hash.ts");

/**
 * 64 bits, as hexadecimal digits, that tell apart what files by these names say, and what they are compiled
 * with.
 */
export function buildHash(sources: ReadonlyMap<string, string>, options: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(options));
  for (const name of [...sources.keys()].sort()) hash.update(JSON.stringify([name, sources.get(name)]));
  return hash.digest("hex").slice(0, 16);
}

/**
 * The hash that a region carries (DESIGN D1): who attaches must be of the same build, as every struct is laid
 * out by the sources. `compiler` is its name and version.
 */
export function buildHashStep(compiler: string): Step {
  const sources = ["stack", "ring", "kernel"].flatMap((folder) => listFiles(inRoot(folder), [".ts"]));
  const inputs = [...sources, SYSTEM_OUTPUTS.stack];
  const options = [...ASC_OPTIONS, compiler];
  return {
    name: "build hash",
    inputs: [...inputs, inRoot("scripts", "build", "generate-build-hash.ts")],
    options,
    outputs: [BUILD_HASH_OUTPUT],
    work: async () => {
      const texts = new Map(inputs.map((path) => [shown(path), readFileSync(path, "utf8")]));
      const head = "// Generated from the stack's sources by scripts/build/generate-build-hash.ts.\n";
      const constant = `export const BUILD_HASH: u64 = 0x${buildHash(texts, options)};\n`;
      writeAtomically(BUILD_HASH_OUTPUT, head + constant);
    },
  };
}

import { makeHeader } from "../../config/c-header.js";
import { readTable } from "../../config/table.js";
import { listFolder, writeAtomically } from "./files.js";
import type { Module } from "./modules.js";
import { inBuild, inRoot } from "./paths.js";
import type { Step } from "./step.js";

const HEADER = inBuild("generated", "config_keys.h");

/** Makes the C structure of all options of lstack.conf from the table in the compiled module. */
export function configHeaderStep(module: Module): Step {
  return {
    name: "config_keys.h",
    inputs: [module.wasm, ...listFolder(inRoot("config"), [".ts"])],
    options: [],
    outputs: [HEADER],
    work: async () => writeAtomically(HEADER, makeHeader(readTable(module.wasm, "lstack").options)),
  };
}

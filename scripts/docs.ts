import { makeDocument } from "../config/document.js";
import { readTable } from "../config/table.js";
import { writeAtomically } from "./build/files.js";
import { inBuild, inRoot } from "./build/paths.js";

// Run after the build: the tables are read out of the compiled module.
const wasm = inBuild("config", "config.wasm");
writeAtomically(
  inRoot("docs", "configuration.md"),
  makeDocument(readTable(wasm, "lstack"), readTable(wasm, "ltran")),
);

import { makeDocument } from "../config/document.js";
import { readTable } from "../config/table.js";
import { writeAtomically } from "./build/files.js";
import { inBuild, inRoot } from "./build/paths.js";

// Run after the build: the table is read out of the compiled module.
writeAtomically(
  inRoot("docs", "configuration.md"),
  makeDocument(readTable(inBuild("config", "config.wasm"))),
);

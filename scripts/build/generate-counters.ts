import { readFileSync } from "node:fs";
import { listFolder, writeAtomically } from "./files.js";
import { inBuild, inRoot, shown } from "./paths.js";

/** Folder whose enums are the counters and reasons. */
export const COUNTERS_FOLDER = inRoot("stack", "stats");

/** Files made from them. */
export const COUNTERS_OUTPUTS = {
  node: inBuild("generated", "node", "counters.ts"),
  json: inBuild("generated", "counters.json"),
};

/** One member of an enum of stack/stats. */
export interface CounterEntry {
  enum: string;
  name: string;
  index: number;
  doc: string;
}

/** Ends an enum: how many members came before it; not a counter itself. */
const END = "count";

/** Reads `export enum Name { a, b, ... }` with one documented member a line. Anything else is an error. */
export function parseCounters(source: string, file: string): CounterEntry[] {
  const entries: CounterEntry[] = [];
  for (const match of source.matchAll(/^export (?:const )?enum (\w+) \{\n(.*?)^\}/gms)) {
    const name = match[1] ?? "";
    const body = match[2] ?? "";
    let doc = "";
    let index = 0;
    for (const line of body.split("\n").map((text) => text.trim())) {
      const comment = /^\/\*\* (.*) \*\/$/.exec(line);
      const member = /^(\w+),?$/.exec(line);
      if (line === "") continue;
      if (comment) doc = comment[1] ?? "";
      else if (member && member[1] === END) break;
      else if (member && doc !== "") {
        entries.push({ enum: name, name: member[1] ?? "", index, doc });
        index += 1;
        doc = "";
      } else throw new Error(`${file}: enum ${name}: not a documented plain member: ${line}`);
    }
  }
  return entries;
}

/** Writes the table of counters and reasons, in the order of their indices. */
export async function generateCounters(): Promise<void> {
  const entries: CounterEntry[] = [];
  for (const path of listFolder(COUNTERS_FOLDER, [".ts"])) {
    entries.push(...parseCounters(readFileSync(path, "utf8"), shown(path)));
  }
  writeAtomically(COUNTERS_OUTPUTS.json, `${JSON.stringify(entries, null, 2)}\n`);
  const head = "// Generated from stack/stats by scripts/build/generate-counters.ts.\n";
  const fields = ["enum: string", "name: string", "index: number", "doc: string"];
  const type = `export interface CounterEntry {\n${fields.map((field) => `  ${field};\n`).join("")}}\n`;
  const table = `export const COUNTERS: readonly CounterEntry[] = ${JSON.stringify(entries, null, 2)};\n`;
  writeAtomically(COUNTERS_OUTPUTS.node, `${head}${type}\n${table}`);
}

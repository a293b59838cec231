import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { listFolder, writeAtomically } from "./files.js";
import { STRUCT_SOURCES } from "./generate-structs.js";
import { inBuild, inRoot, shown } from "./paths.js";

/** The counters of a module. */
export interface CounterTable {
  name: string;
  /** Folder whose enums are the counters and reasons. */
  folder: string;
  /** What the control socket serves beside them. */
  beside: readonly string[];
  /** The macro of the layout's hash. */
  macro: string;
  /** Files made from them. */
  outputs: { node: string; json: string; c: string };
}

/** Every module's counters. */
export const COUNTER_TABLES: readonly CounterTable[] = [
  {
    name: "counters",
    folder: inRoot("stack", "stats"),
    beside: [
      inRoot("stack", "memory", "pool.ts"),
      inRoot("stack", "memory", "settings.ts"),
      ...STRUCT_SOURCES,
    ],
    macro: "GZ_COUNTERS_LAYOUT",
    outputs: {
      node: inBuild("generated", "node", "counters.ts"),
      json: inBuild("generated", "counters.json"),
      c: inBuild("generated", "stack_counters.h"),
    },
  },
  {
    name: "dispatch counters",
    folder: inRoot("ltran", "dispatch", "stats"),
    beside: [],
    macro: "GZ_DISPATCH_COUNTERS_LAYOUT",
    outputs: {
      node: inBuild("generated", "node", "dispatch-counters.ts"),
      json: inBuild("generated", "dispatch-counters.json"),
      c: inBuild("generated", "dispatch_counters.h"),
    },
  },
];

/** One member of an enum of counters. */
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

/**
 * Tells layouts of the counters and pools apart: who reads them must have been built from the same sources.
 */
function layoutHash(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of files) hash.update(readFileSync(path));
  return hash.digest("hex").slice(0, 16);
}

/** Writes the table of counters and reasons, in the order of their indices, and the hash of their layout. */
export async function generateCounters(table: CounterTable): Promise<void> {
  const { outputs } = table;
  const entries: CounterEntry[] = [];
  const files = listFolder(table.folder, [".ts"]);
  const layout = layoutHash([...files, ...table.beside]);
  for (const path of files) {
    entries.push(...parseCounters(readFileSync(path, "utf8"), shown(path)));
  }
  writeAtomically(outputs.json, `${JSON.stringify(entries, null, 2)}\n`);
  const sources = [table.folder, ...table.beside].map(shown).join(" and ");
  const origin = `Generated from ${sources} by scripts/build/generate-counters.ts.`;
  writeAtomically(outputs.c, `/* ${origin} */\n#define ${table.macro} "${layout}"\n`);
  const fields = ["enum: string", "name: string", "index: number", "doc: string"];
  const type = `export interface CounterEntry {\n${fields.map((field) => `  ${field};\n`).join("")}}\n`;
  const list = JSON.stringify(entries, null, 2);
  const declaration = `export const COUNTERS = ${list} as const satisfies readonly CounterEntry[];\n`;
  const hash = `export const COUNTERS_LAYOUT = "${layout}";\n`;
  writeAtomically(outputs.node, `// ${origin}\n${type}\n${declaration}\n${hash}`);
}

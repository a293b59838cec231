import { readFileSync } from "node:fs";
import { writeAtomically } from "./files.js";
import type { Module } from "./modules.js";
import { inBuild, inRoot } from "./paths.js";
import type { Step } from "./step.js";

/** A table of a module's doors for C, so that the addon calls them by name. */
const DOORS_HEADER = inBuild("generated", "dispatch_doors.h");

/** A door: its name, whether it answers, and the types of its arguments ("u32", "u64"). */
export interface Door {
  name: string;
  answers: boolean;
  arguments: string[];
}

/** The doors that the header of a translated module declares. */
export function parseDoors(header: string, module: string): Door[] {
  const pattern = new RegExp(
    `^(void|u32|u64) w2c_${module}_(\\w+)\\(w2c_${module}\\*((?:, u(?:32|64))*)\\);$`,
    "gm",
  );
  return [...header.matchAll(pattern)].map(([, result, name, rest]) => ({
    name: name ?? "",
    answers: result !== "void",
    arguments: (rest ?? "").split(", ").filter(Boolean),
  }));
}

/** The table as C: each door takes its arguments as words of 64 bits and answers one. */
export function doorsHeader(doors: readonly Door[], module: string): string {
  const functions = doors.map(({ name, answers, arguments: types }) => {
    const values = types.map((type, index) => `, (${type})a[${index}]`).join("");
    const call = `w2c_${module}_${name}(m${values})`;
    const body = answers ? `return ${call};` : `${call};\n    return 0;`;
    return (
      `static uint64_t gz_door_${name}(w2c_${module} *m, const uint64_t *a)\n` +
      `{\n    (void)a;\n    ${body}\n}\n`
    );
  });
  const entries = doors.map(
    ({ name, arguments: types }) => `    { "${name}", ${types.length}, gz_door_${name} },`,
  );
  return `/* Generated from the doors of ${module} by scripts/build/generate-doors.ts. */
#include "${module}/${module}.h"

${functions.join("\n")}
struct gz_door {
    const char *name;
    size_t arguments;
    uint64_t (*call)(w2c_${module} *module, const uint64_t *arguments);
};

static const struct gz_door gz_doors[] = {
${entries.join("\n")}
};
`;
}

/** Writes the table of a translated module's doors. */
export function doorsStep(module: Module): Step {
  return {
    name: `doors of ${module.name}`,
    inputs: [module.header, inRoot("scripts", "build", "generate-doors.ts")],
    options: [],
    outputs: [DOORS_HEADER],
    work: async () => {
      const doors = parseDoors(readFileSync(module.header, "utf8"), module.name);
      if (doors.length === 0) throw new Error(`${module.header} declares no door of ${module.name}`);
      writeAtomically(DOORS_HEADER, doorsHeader(doors, module.name));
    },
  };
}

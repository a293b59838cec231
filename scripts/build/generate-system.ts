import { mkdirSync, writeFileSync } from "node:fs";
import { runChecked } from "./command.js";
import { writeAtomically } from "./files.js";
import { inBuild } from "./paths.js";
import { SYSTEM_CONSTANTS, SYSTEM_HEADERS, SYSTEM_LAYOUT } from "./system-constants.js";

/** Files made from the system's headers: for the stack (AssemblyScript), for Node, and for anything else. */
export const SYSTEM_OUTPUTS = {
  stack: inBuild("generated", "system.ts"),
  node: inBuild("generated", "node", "system.ts"),
  json: inBuild("generated", "system.json"),
};

/** Headers that name a constant in the kernel's own include tree and not in libc's. */
const KERNEL_HEADERS = ["linux/sockios.h"];

function program(): string {
  const headers = [...SYSTEM_HEADERS, ...KERNEL_HEADERS].map((name) => `#include <${name}>`);
  const constants = Object.values(SYSTEM_CONSTANTS)
    .flat()
    .map((name) => [name, name]);
  const lines = [...constants, ...Object.entries(SYSTEM_LAYOUT)].map(
    ([name, expression]) => `    print("${name}", (long long)(${expression}));`,
  );
  return [
    "#define _GNU_SOURCE",
    ...headers,
    "#include <stddef.h>",
    "#include <stdio.h>",
    "#include <sys/time.h>",
    "static void print(const char *name, long long value)",
    "{",
    '    printf("%s %lld\\n", name, value);',
    "}",
    "int main(void)",
    "{",
    ...lines,
    "    return 0;",
    "}",
    "",
  ].join("\n");
}

interface Constant {
  name: string;
  value: number;
}

function parse(output: string): Constant[] {
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const [name, text] = line.split(" ");
      const value = Number(text);
      if (name === undefined || !Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) {
        throw new Error(`system constant does not fit 32 bits: ${line}`);
      }
      return { name, value };
    });
}

/** Values above 2^31 (EPOLLET) keep their sign bit unsigned; all others are i32, as C's int. */
function forStack({ name, value }: Constant): string {
  const type = value >= 2 ** 31 ? "u32" : "i32";
  return `export const ${name}: ${type} = ${value};`;
}

/** Compiles and runs a small C program that prints the constants, and writes the three outputs. */
export async function generateSystem(): Promise<void> {
  const folder = inBuild("generated", "work");
  mkdirSync(folder, { recursive: true });
  const source = inBuild("generated", "work", "system.c");
  const binary = inBuild("generated", "work", "system");
  writeFileSync(source, program());
  await runChecked("gcc", ["-std=gnu11", "-Wall", "-Werror", "-o", binary, source]);
  const constants = parse(await runChecked(binary, []));
  const head = "// Generated from the system's headers by scripts/build/generate-system.ts.\n";
  writeAtomically(SYSTEM_OUTPUTS.stack, `${head}${constants.map(forStack).join("\n")}\n`);
  const forNode = constants.map(({ name, value }) => `export const ${name} = ${value};`);
  writeAtomically(SYSTEM_OUTPUTS.node, `${head}${forNode.join("\n")}\n`);
  const table = Object.fromEntries(constants.map(({ name, value }) => [name, value]));
  writeAtomically(SYSTEM_OUTPUTS.json, `${JSON.stringify(table, null, 2)}\n`);
}

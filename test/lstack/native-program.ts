/** Small C programs that tests need at the libc boundary, compiled once for each content. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../scripts/lab/command.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";

const sources = join(repositoryRoot, "test", "lstack", "native");
const output = join(repositoryRoot, "build", "test-native");

const warnings = [
  "-Wall",
  "-Wextra",
  "-Werror",
  // Tests pass wrong sizes on purpose.
  "-Wno-stringop-overflow",
  "-Wno-stringop-overread",
];

/**
 * Compiles the C files of test/lstack/native whose names are given (without .c) and returns the program's
 * path.
 * @throws Error with the compiler's messages.
 */
export function compileNative(name: string, files: readonly string[]): string {
  mkdirSync(output, { recursive: true });
  const program = join(output, name);
  const paths = files.map((file) => join(sources, `${file}.c`));
  run("gcc", ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", ...warnings, ...paths, "-o", program, "-lpthread"]);
  return program;
}

/** The names of the scenario files of the differential test. */
export function scenarioFiles(): string[] {
  return readdirSync(sources)
    .filter((name) => name.endsWith("-scenarios.c"))
    .map((name) => name.slice(0, -".c".length));
}

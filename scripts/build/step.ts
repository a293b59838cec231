import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeAtomically } from "./files.js";
import { inBuild, shown } from "./paths.js";

/** One step of the build: it runs when an input's content, an option or an output's presence changed. */
export interface Step {
  /** Printed, and the name of the stamp; unique within the build. */
  name: string;
  /** Files whose content decides whether the step is up to date. A function is asked again after the work. */
  inputs: readonly string[] | (() => readonly string[]);
  /** Everything else that decides: options, tool versions. */
  options: readonly string[];
  /** Files that the step must leave behind. */
  outputs: readonly string[];
  work: () => Promise<void>;
}

function hashFile(path: string): string {
  if (!existsSync(path)) return "absent";
  const content = readFileSync(path);
  return createHash("sha256").update(content).digest("hex");
}

function keyOf(step: Step): string {
  const inputs = typeof step.inputs === "function" ? step.inputs() : step.inputs;
  const hash = createHash("sha256");
  for (const option of step.options) hash.update(`option ${option}\n`);
  for (const path of inputs) hash.update(`${shown(path)} ${hashFile(path)}\n`);
  return hash.digest("hex");
}

function stampPath(step: Step): string {
  return inBuild(".stamps", step.name.replace(/[^\w.-]+/g, "_"));
}

/** Runs the step if it is not up to date. Returns whether it ran. */
export async function runStep(step: Step): Promise<boolean> {
  const stamp = stampPath(step);
  const before = keyOf(step);
  const complete = step.outputs.every((path) => existsSync(path));
  if (complete && existsSync(stamp) && readFileSync(stamp, "utf8") === before) return false;
  const start = performance.now();
  await step.work();
  for (const path of step.outputs) {
    if (!existsSync(path)) throw new Error(`${step.name} did not make ${shown(path)}`);
  }
  // Inputs that a step finds only while working (C headers) are part of the key from now on. A source that
  // changed during the work makes the step run again next time, because the plain inputs were hashed before.
  const key = typeof step.inputs === "function" ? keyOf(step) : before;
  writeAtomically(stamp, key);
  console.log(`  ${step.name}  ${((performance.now() - start) / 1000).toFixed(2)} s`);
  return true;
}

/** Runs independent steps, two at a time: the smallest machine we build on has two cores. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  // Two outputs may share an object file, which is made once.
  const waiting = [...new Map(steps.map((step) => [step.name, step])).values()];
  const worker = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await runStep(step);
  };
  await Promise.all([worker(), worker()]);
}

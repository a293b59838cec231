import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inBuild } from "../../scripts/build/paths.js";
import { runStep, type Step } from "../../scripts/build/step.js";

const folder = mkdtempSync(join(tmpdir(), "gz-step-"));
const input = join(folder, "input");
const output = join(folder, "output");
const name = `step test ${process.pid}`;
let runs = 0;

after(() => {
  rmSync(folder, { recursive: true });
  rmSync(inBuild(".stamps", name.replaceAll(" ", "_")), { force: true });
});

function step(options: string[]): Step {
  return {
    name,
    inputs: [input],
    options,
    outputs: [output],
    work: async () => {
      runs += 1;
      writeFileSync(output, String(runs));
    },
  };
}

test("a step runs when content, options or outputs changed, and only then", async () => {
  writeFileSync(input, "a");
  assert.equal(await runStep(step(["x"])), true);
  assert.equal(await runStep(step(["x"])), false);
  writeFileSync(input, "a");
  assert.equal(await runStep(step(["x"])), false, "a new date is no change");
  writeFileSync(input, "b");
  assert.equal(await runStep(step(["x"])), true, "content");
  assert.equal(await runStep(step(["y"])), true, "options");
  rmSync(output);
  assert.equal(await runStep(step(["y"])), true, "output");
  assert.equal(runs, 4);
});

test("a step that fails runs again", async () => {
  writeFileSync(input, "c");
  const failing: Step = { ...step(["y"]), work: () => Promise.reject(new Error("no")) };
  await assert.rejects(runStep(failing), /no/);
  assert.equal(await runStep(step(["y"])), true);
});

test("a step that does not make its output is an error", async () => {
  const idle: Step = { ...step(["z"]), outputs: [join(folder, "absent")], work: () => Promise.resolve() };
  await assert.rejects(runStep(idle), /did not make/);
});

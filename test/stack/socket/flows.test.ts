import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { OTHER_SCRIPTS } from "./flow-others.js";
import { randomDatagrams, randomStreams } from "./flow-random.js";
import { type Answer, askKernelFlows, FlowRunner, type Step } from "./flow-script.js";
import { STREAM_SCRIPTS } from "./flow-streams.js";

/** What each call says in each situation: the expectation is the kernel's answer to the same script. */
const SCRIPTS: Record<string, Step[]> = { ...STREAM_SCRIPTS, ...OTHER_SCRIPTS };

/**
 * Seconds of rest after a step on the kernel: enough nearly always, and enough for delayed ACKs on a busy
 * machine.
 */
const REST = 0.004;
const LONG_REST = 0.08;
const RANDOM_STREAMS = 60;
const RANDOM_DATAGRAMS = 40;
const RANDOM_STEPS = 30;

function labelled(script: Step[], answers: Answer[]): string[] {
  return script.map((step, at) => `${step.join(" ")} = ${answers[at]}`);
}

/**
 * Runs a script here; it must answer as the kernel did, or does when it gets more time, and leave nothing
 * behind.
 */
function compare(script: Step[], kernel: Answer[]): void {
  const runner = new FlowRunner();
  const ours = runner.run(script);
  const differs = ours.some((answer, i) => answer !== kernel[i]);
  const theirs = differs ? (askKernelFlows([script], LONG_REST)[0] as Answer[]) : kernel;
  assert.deepEqual(labelled(script, ours), labelled(script, theirs));
  assert.deepEqual(runner.leftOvers(), Array(10).fill(0), "objects in use at the end");
}

describe("socket calls", () => {
  const names = Object.keys(SCRIPTS);
  let answers: Answer[][] = [];

  before(() => {
    answers = askKernelFlows(
      names.map((name) => SCRIPTS[name] as Step[]),
      REST,
    );
  });

  names.forEach((name, i) => {
    it(`answer as the kernel's: ${name}`, () => compare(SCRIPTS[name] as Step[], answers[i] as Answer[]));
  });
});

describe("random socket calls", () => {
  const scripts = [
    ...Array.from({ length: RANDOM_STREAMS }, (_, seed) => randomStreams(seed, RANDOM_STEPS)),
    ...Array.from({ length: RANDOM_DATAGRAMS }, (_, seed) => randomDatagrams(seed, RANDOM_STEPS)),
  ];
  let answers: Answer[][] = [];

  before(() => {
    answers = askKernelFlows(scripts, REST);
  });

  scripts.forEach((script, i) => {
    const kind = i < RANDOM_STREAMS ? `streams, seed ${i}` : `datagrams, seed ${i - RANDOM_STREAMS}`;
    it(`answer as the kernel's: ${kind}`, () => compare(script, answers[i] as Answer[]));
  });
});

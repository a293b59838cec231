import assert from "node:assert/strict";
import { test } from "node:test";
import { Fuzzer } from "../../sim/fuzz/fuzzer.js";
import { FRAMES_PER_SEED, fuzzLine, runFuzz } from "../../sim/fuzz/run-fuzz.js";

const FRAMES = 4 * FRAMES_PER_SEED;
const STATES = [
  "LISTEN",
  "SYN_SENT",
  "SYN_RECEIVED",
  "ESTABLISHED",
  "ESTABLISHED with data",
  "ESTABLISHED with gaps",
  "FIN_WAIT_1",
  "FIN_WAIT_2",
  "CLOSING",
  "TIME_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
];

test("100,000 mutated frames: no trap, no lost buffer, the bystander goes on", {
  timeout: 300_000,
}, async () => {
  const summary = await runFuzz(1n, FRAMES, 2);
  assert.deepEqual(summary.failures.map(fuzzLine), []);
  assert.equal(summary.frames, FRAMES);
  assert.ok(summary.recomputed >= 0.8 * FRAMES, `only ${summary.recomputed} frames had right checksums`);
  for (const state of STATES)
    assert.ok((summary.byState[state] ?? 0) > FRAMES / 20, `too few frames for ${state}`);
  assert.ok(summary.verified > FRAMES, `the bystander exchanged only ${summary.verified} bytes`);
  // What got through is no less important than what was refused.
  for (const name of [
    "tcpPassiveOpens",
    "tcpResetsIn",
    "tcpChallengeAcks",
    "tcpOutOfOrder",
    "ipReassembled",
  ]) {
    assert.ok((summary.counters[name] ?? 0) > 0, `${name} never happened`);
  }
});

test("a seed of the fuzzer repeats itself", () => {
  const first = new Fuzzer(77n).run(1500);
  const second = new Fuzzer(77n).run(1500);
  assert.equal(fuzzLine(first), fuzzLine(second));
  assert.notEqual(new Fuzzer(78n).run(1500).digest, first.digest);
});

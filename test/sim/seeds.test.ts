import assert from "node:assert/strict";
import { test } from "node:test";
import { BYTES_MIN } from "../../sim/draw-workload.js";
import { HostPool } from "../../sim/host-pool.js";
import { occurrences, REQUIRED_EVENTS, replayHint, resultLine, type Summary } from "../../sim/report.js";
import { runSeeds } from "../../sim/run-seeds.js";
import { Simulation } from "../../sim/simulation.js";

const SEEDS = 200;

test("200 seeds keep every invariant and meet every event", { timeout: 600_000 }, async (t) => {
  const failed: string[] = [];
  const summary: Summary = await runSeeds(1n, SEEDS, 2, (result) => {
    if (result.failure !== undefined) failed.push(`${resultLine(result)}\n  ${replayHint(result.seed)}`);
  });
  assert.deepEqual(failed, []);
  assert.equal(summary.runs, SEEDS);
  assert.ok(summary.bytesMin >= BYTES_MIN, `a run moved only ${summary.bytesMin} bytes`);
  assert.ok(summary.lossy >= SEEDS / 2, `only ${summary.lossy} runs were over loss`);
  assert.ok(summary.tolerant > 0, "no run had arbitrary corruption");
  for (const event of REQUIRED_EVENTS) {
    await t.test(`${event.name} happened`, () => assert.ok(occurrences(summary, event) > 0));
  }
});

test("the same seed gives the same line, whatever ran before in the same instances", () => {
  const pool = new HostPool();
  for (const seed of [1n, 7n, 2n ** 64n - 1n]) {
    const fresh = resultLine(new Simulation(seed, new HostPool()).run());
    assert.match(fresh, new RegExp(`^seed ${seed} ok steps \\d+ digest [0-9a-f]{16}$`));
    assert.equal(resultLine(new Simulation(seed, pool).run()), fresh);
    assert.equal(resultLine(new Simulation(seed, pool, () => {}).run()), fresh);
  }
});

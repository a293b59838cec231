/** The engine benchmark, short: that it measures what it says, on both stacks. No speed is asserted. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildEngineBench, ENGINE_STACKS } from "../../bench/engine/build.js";
import { ENGINE_ROWS, type EngineStack, measureEngine } from "../../bench/engine/measure.js";
import { BenchUsageError, parseBenchOptions } from "../../bench/options.js";
import { compareRates, formatTable } from "../../bench/report.js";
import { run } from "../../scripts/build/command.js";
import { inBuild } from "../../scripts/build/paths.js";

const ENTRY = inBuild("node", "scripts", "bench.js");
const NAMES = [
  "rr 64 B, 1 connection",
  "rr 64 B, 1000 connections",
  "bulk, 1 connection",
  "connect-request-close",
];

/** As root everything that is needed was installed; others may have to do without. */
const missing = process.getuid?.() !== 0 && !existsSync("/usr/include/lwip/lwipopts.h");
const skip = missing ? "liblwip-dev is not installed" : false;

let folder = "";

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "gazelle bench "));
  if (!missing) await buildEngineBench();
});

after(() => rmSync(folder, { recursive: true }));

for (const row of ENGINE_ROWS) {
  for (const stack of Object.keys(ENGINE_STACKS) as EngineStack[]) {
    test(`${row.name}: ${stack} moves verified data`, { skip }, async () => {
      const sample = await measureEngine(stack, row, 0.05);
      // Round trips and short connections carry 64 bytes each; a bulk operation is one byte.
      const least = row.row === "bulk" ? sample.operations : sample.operations * 64;
      assert.ok(sample.operations >= 100, `${sample.operations} operations`);
      assert.ok(sample.verified >= least, `${sample.verified} bytes for ${sample.operations} operations`);
      assert.ok(sample.seconds > 0 && sample.seconds < 30, `${sample.seconds} s`);
      assert.match(sample.options, /MSS 1460/);
    });
  }
}

test("the command writes every row with its ratio", { skip }, async () => {
  const file = join(folder, "results.json");
  const args = [ENTRY, "engine", "--rounds", "1", "--seconds", "0.02", "--json", file];
  const { status, output } = await run(process.execPath, args);
  assert.equal(status, 0, output);
  const results = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(
    results.map(({ name }: { name: string }) => name),
    NAMES,
  );
  for (const result of results) {
    assert.deepEqual(Object.keys(result), ["name", "unit", "ours", "peers", "ratio"]);
    assert.match(result.unit, /\/s$/);
    assert.ok(result.ours > 0 && result.peers.lwip > 0, JSON.stringify(result));
    const ratio = result.ours / result.peers.lwip;
    assert.ok(Math.abs(result.ratio.lwip / ratio - 1) < 0.01, JSON.stringify(result));
  }
  for (const name of NAMES) assert.ok(output.includes(name), output);
});

test("a benchmark or an option that does not exist is refused, and nothing is written", async () => {
  const file = join(folder, "none.json");
  const { status, output } = await run(process.execPath, [ENTRY, "engines", "--json", file]);
  assert.equal(status, 1);
  assert.match(output, /usage: npm run bench -- NAME/);
  assert.ok(!existsSync(file));
  for (const args of [[], ["engine", "--rounds", "0"], ["engine", "--rounds", "1.5"], ["engine", "--fast"]]) {
    assert.throws(() => parseBenchOptions(args), BenchUsageError, args.join(" "));
  }
});

test("medians, ratios and the table", () => {
  const result = compareRates("row", "things/s", { ours: [9, 1, 3], peers: { lwip: [1, 2, 2, 100] } });
  assert.deepEqual(result, {
    name: "row",
    unit: "things/s",
    ours: 3,
    peers: { lwip: 2 },
    ratio: { lwip: 1.5 },
  });
  const [head, line] = formatTable([{ ...result, ours: 1234567.8 }]).split("\n");
  assert.match(head ?? "", /^\s+ours\s+lwip\s+ours\/lwip\s+unit$/);
  assert.match(line ?? "", /^row\s+1,234,568\s+2\s+1\.50\s+things\/s$/);
});

/** What the demo reads and computes, without namespaces. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Pace, parseBenchmark } from "../../scripts/demo/measure.js";
import { parseOptions } from "../../scripts/demo/options.js";
import { formatTable, median, Results, writeRows } from "../../scripts/demo/results.js";
import { workloads } from "../../scripts/demo/workloads.js";

function sampleResults(): Results {
  const results = new Results();
  for (const { name } of workloads) {
    for (const factor of [1, 3, 2]) {
      results.add(name, "kernel", { requestsPerSecond: 1_000 * factor, p99Ms: 0.1 * factor });
      results.add(name, "kernel_equal", { requestsPerSecond: 500 * factor, p99Ms: 0.2 * factor });
      results.add(name, "gazelle", { requestsPerSecond: 3_000 * factor, p99Ms: 0.05 * factor });
    }
  }
  return results;
}

test("the command line has defaults, and refuses what does not exist", () => {
  const options = parseOptions(["--quick"]);
  assert.deepEqual([options.rounds, options.port, options.kernelOnly], [3, "packet", false]);
  assert.match(options.jsonFile ?? "", /build\/demo\.json$/);
  assert.equal(parseOptions([]).rounds, 5);
  assert.equal(parseOptions(["--port", "dpdk", "--json", "x"]).jsonFile, "x");
  assert.equal(parseOptions(["--kernel-only"]).jsonFile, undefined);
  assert.throws(() => parseOptions(["--port", "tap"]), /must be packet, dpdk or ltran/);
  assert.throws(() => parseOptions(["--unknown"]));
});

test("redis-benchmark's report is read by the names of its columns", () => {
  const csv = '"test","rps","avg_latency_ms","p99_latency_ms"\n"GET","151515.16","0.190","0.511"\n';
  assert.deepEqual(parseBenchmark(csv), { requestsPerSecond: 151_515.16, p99Ms: 0.511 });
  assert.throws(() => parseBenchmark('"test","rps"\n"GET","1.0"\n'), /no p99_latency_ms/);
  assert.throws(() => parseBenchmark(""), /no rps/);
});

test("the median is the middle, or the mean of the middle two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]));
});

test("a sample is sized by the rate of the last one", () => {
  const [workload] = workloads;
  assert.ok(workload);
  const pace = new Pace();
  assert.equal(pace.requests(workload, "kernel", 0.5), workload.warmUpRequests);
  pace.learn(workload, "kernel", { requestsPerSecond: 10_000, p99Ms: 1 });
  assert.equal(pace.requests(workload, "kernel", 0.5), 5_000);
  assert.equal(pace.requests(workload, "gazelle", 0.5), workload.warmUpRequests);
});

test("the file has one element for each test, with medians and ratios", () => {
  const folder = mkdtempSync(join(tmpdir(), "gz-demo-test-"));
  const file = join(folder, "deeper", "demo.json");
  writeRows(file, sampleResults().rows());
  const rows = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>[];
  rmSync(folder, { recursive: true });
  assert.deepEqual(
    rows.map((row) => row.test),
    [
      "1 connection",
      "50 connections",
      "50 connections, pipeline 16",
      "64 KB SET",
      "64 KB GET",
      "new connection per request",
    ],
  );
  assert.deepEqual(rows[0], {
    test: "1 connection",
    kernel_rps: 2_000,
    kernel_equal_rps: 1_000,
    gazelle_rps: 6_000,
    ratio: 3,
    ratio_equal: 6,
    kernel_p99_ms: 0.2,
    kernel_equal_p99_ms: 0.4,
    gazelle_p99_ms: 0.1,
    samples: 3,
  });
});

test("the table shows every test", () => {
  const table = formatTable(sampleResults().rows());
  for (const { name } of workloads) {
    assert.ok(table.includes(name));
  }
  assert.match(table, /3\.00 x/);
});

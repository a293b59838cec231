// A test file that no suite runs would pass for ever.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT, shown } from "../../scripts/build/paths.js";
import { suites, testFiles } from "../../scripts/test/suites.js";
import { readSources } from "../../scripts/tidy/source.js";

test("every test file of the clone belongs to exactly one suite", () => {
  const runs = new Map<string, number>();
  for (const file of suites().flatMap(testFiles)) runs.set(shown(file), (runs.get(shown(file)) ?? 0) + 1);
  const all = readSources(ROOT).map((source) => source.path);
  const files = all.filter((path) => /\.test\.[cm]?[jt]s$/.test(path));
  assert.ok(files.includes("test/scripts/suites.test.ts"));
  const wrong = files.filter((path) => runs.get(path) !== 1);
  assert.deepEqual(wrong, []);
  assert.deepEqual([...runs.keys()].sort(), files.sort());
});

test("suites have names of their own and something to run", () => {
  const names = suites().map((suite) => suite.name);
  assert.equal(new Set(names).size, names.length);
  for (const suite of suites()) {
    assert.ok(suite.commands.length + testFiles(suite).length > 0, suite.name);
    assert.ok(suite.limit > 0 && suite.parallel > 0, suite.name);
  }
});

test("files that run beside the others exist", () => {
  for (const suite of suites()) {
    const files = testFiles(suite);
    for (const end of suite.beside)
      assert.ok(
        files.some((file) => file.endsWith(end)),
        end,
      );
  }
});

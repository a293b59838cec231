// The test runner itself: a runner that counts wrongly would hide every other failure.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { lastLine } from "../../scripts/test/main.js";
import { type Result, runProgram } from "../../scripts/test/run-file.js";

const folder = mkdtempSync(join(tmpdir(), "gz-runner-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

async function outcome(source: string, limit = 20): Promise<Result> {
  files += 1;
  const path = join(folder, `sample-${files}.mjs`);
  writeFileSync(path, `import { test, describe } from "node:test";\n${source}\n`);
  return runProgram("sample", path, limit);
}

function counts({ passed, failed, skipped }: Result): number[] {
  return [passed, failed, skipped];
}

test("passed, failed and skipped tests are counted, groups are not", async () => {
  const result = await outcome(`
    describe("group", () => { test("a", () => {}); test("b", () => { throw new Error("broken b"); }); });
    test("c", { skip: "no cable" }, () => {});`);
  assert.deepEqual(counts(result), [1, 1, 1]);
  assert.match(result.report, /not ok: b[\s\S]*broken b/);
  assert.deepEqual(result.skips, ["sample: c: no cable"]);
});

test("a group that fails by itself is a failure", async () => {
  const result = await outcome(`
    import { before } from "node:test";
    describe("group", () => { before(() => { throw new Error("no cable"); }); test("a", () => {}); });`);
  assert.ok(result.failed >= 1);
  assert.match(result.report, /no cable/);
});

test("a crash after passing tests is a failure", async () => {
  const result = await outcome(
    'test("a", () => {}); setTimeout(() => process.kill(process.pid, "SIGSEGV"), 200);',
  );
  assert.equal(result.failed, 1);
  assert.match(result.report, /SIGSEGV/);
});

test("a file that cannot be loaded is a failure", async () => {
  assert.ok((await outcome('import "./absent.mjs";')).failed >= 1);
});

test("a file without a test is a failure", async () => {
  const result = await outcome("");
  assert.deepEqual(counts(result), [0, 1, 0]);
  assert.match(result.report, /holds no test/);
});

test("a non-zero exit status after passing tests is a failure", async () => {
  const result = await outcome('test("a", () => {}); process.on("exit", () => { process.exitCode = 3; });');
  assert.deepEqual(counts(result), [1, 1, 0]);
  assert.match(result.report, /exit status 3/);
});

test("a test still to be done is a failure", async () => {
  assert.ok((await outcome('test("a", { todo: true }, () => {});')).failed >= 1);
});

test("a test that does not end is stopped", async () => {
  const result = await outcome('test("a", () => new Promise(() => setInterval(() => {}, 1000)));', 2);
  assert.ok(result.failed >= 1);
  assert.match(result.report, /limit of 2 s/);
});

test("what a test prints is shown when it fails, and does not disturb the counting", async () => {
  const good = await outcome('test("a", () => { console.log("not ok 1"); });');
  assert.deepEqual(counts(good), [1, 0, 0]);
  assert.equal(good.report, "");
  const bad = await outcome('test("a", () => { console.log("look here"); throw new Error("no"); });');
  assert.match(bad.report, /look here/);
});

test("the last line names skipped tests only when there are any", () => {
  const result: Result = {
    name: "",
    passed: 2,
    failed: 1,
    skipped: 0,
    milliseconds: 0,
    report: "",
    skips: [],
  };
  assert.equal(lastLine([result, result]), "4 passed, 2 failed");
  assert.equal(lastLine([result, { ...result, skipped: 3 }]), "4 passed, 2 failed, 3 skipped");
});

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { inBuild, shown } from "../build/paths.js";
import { type Ended, runLimited } from "./process.js";
import type { TestRecord } from "./reporter.js";
import { type CommandTest, compiledTest, isCompiled } from "./suites.js";

/** What one file or program contributed. */
export interface Result {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  milliseconds: number;
  /** Printed when something failed: failing tests with their errors, then all output. */
  report: string;
  /** Names and reasons of skipped tests. */
  skips: string[];
}

function emptyResult(name: string): Result {
  return { name, passed: 0, failed: 0, skipped: 0, milliseconds: 0, report: "", skips: [] };
}

/** A result that stands for a test that could not even start. */
export function failedResult(name: string, report: string): Result {
  return { ...emptyResult(name), failed: 1, report };
}

/** A result for what this user cannot run. */
export function skippedResult(name: string, reason: string): Result {
  return { ...emptyResult(name), skipped: 1, skips: [`${name}: ${reason}`] };
}

function describeEnd(ended: Ended, limit: number): string {
  if (ended.late) return `stopped after its limit of ${limit} s`;
  return ended.signal === null ? `exit status ${ended.status}` : `ended by ${ended.signal}`;
}

function readRecords(path: string): TestRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  // A crash can cut the last line short.
  const complete = lines.slice(0, -1).filter((line) => line !== "");
  return complete.map((line) => JSON.parse(line) as TestRecord);
}

/** Counts a file's records; a crash without a failed test, or no test at all, is one failure. */
function summarise(name: string, records: readonly TestRecord[], ended: Ended, limit: number): Result {
  const result = emptyResult(name);
  result.milliseconds = ended.milliseconds;
  const failures: string[] = [];
  for (const record of records) {
    result[record.outcome] += 1;
    if (record.outcome === "failed") failures.push(`not ok: ${record.name}\n${record.error}`);
    if (record.outcome === "skipped") result.skips.push(`${name}: ${record.name}: ${record.error}`);
  }
  const bad = ended.status !== 0 || ended.signal !== null || ended.late;
  if (bad && (result.failed === 0 || ended.late)) {
    result.failed += 1;
    failures.push(`the test process failed: ${describeEnd(ended, limit)}`);
  }
  if (records.length === 0 && !bad) {
    result.failed += 1;
    failures.push("the file holds no test");
  }
  if (result.failed > 0) result.report = [...failures, ended.output.trim()].join("\n\n").trim();
  return result;
}

let fileCount = 0;

/** Runs a JavaScript program under node:test and counts its tests. */
export async function runProgram(name: string, program: string, limit: number): Promise<Result> {
  const folder = inBuild("test-results");
  mkdirSync(folder, { recursive: true });
  fileCount += 1;
  const records = inBuild("test-results", `${process.pid}-${fileCount}.jsonl`);
  const reporter = new URL("./reporter.js", import.meta.url).href;
  const options = [
    "--enable-source-maps",
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${records}`,
  ];
  const ended = await runLimited(process.execPath, [...options, program], limit);
  const result = summarise(name, readRecords(records), ended, limit);
  rmSync(records, { force: true });
  return result;
}

/** Runs the compiled program of a test source. */
export function runFile(source: string, limit: number): Promise<Result> {
  const name = shown(source);
  if (isCompiled(source)) return runProgram(name, compiledTest(source), limit);
  return Promise.resolve(failedResult(name, "not compiled: the Node side does not build"));
}

/** Runs a program whose exit status decides. */
export async function runCommandTest(test: CommandTest, limit: number): Promise<Result> {
  const ended = await runLimited(test.program, test.args, limit);
  const good = ended.status === 0 && ended.signal === null && !ended.late;
  if (good) return { ...emptyResult(test.name), passed: 1, milliseconds: ended.milliseconds };
  const report = `${describeEnd(ended, limit)}\n${ended.output.trim()}`;
  return { ...failedResult(test.name, report), milliseconds: ended.milliseconds };
}

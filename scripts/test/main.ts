import { build } from "../build/build.js";
import { shown } from "../build/paths.js";
import { stopOnSignals } from "./process.js";
import { failedResult, type Result, runCommandTest, runFile, skippedResult } from "./run-file.js";
import { type Suite, suites, testFiles } from "./suites.js";

/** One thing to run within a suite. */
interface Job {
  name: string;
  run: () => Promise<Result>;
}

function jobsOf(suite: Suite, words: readonly string[]): Job[] {
  const commands = suite.commands.map((test) => ({
    name: test.name,
    run: () => runCommandTest(test, suite.limit),
  }));
  const files = testFiles(suite).map((source) => ({
    name: shown(source),
    run: () => runFile(source, suite.limit),
  }));
  const matches = (job: Job) => words.every((word) => job.name.includes(word));
  return [...commands, ...files].filter(matches);
}

function printResult(result: Result): void {
  const total = result.passed + result.failed + result.skipped;
  const state = result.failed > 0 ? "FAILED" : result.passed > 0 ? "ok" : "skipped";
  const seconds = (result.milliseconds / 1000).toFixed(1);
  console.log(
    `  ${state.padEnd(7)} ${result.name}  ${total} ${total === 1 ? "test" : "tests"}  ${seconds} s`,
  );
  for (const skip of result.skips) console.log(`    skipped: ${skip}`);
  if (result.failed > 0) console.log(result.report.replace(/^/gm, "    "));
}

/** Runs jobs, `suite.parallel` of them at a time, and those that only wait beside them. */
async function runJobs(jobs: readonly Job[], suite: Suite): Promise<Result[]> {
  const isBeside = (job: Job) => suite.beside.some((end) => job.name.endsWith(end));
  const waiting = jobs.filter((job) => !isBeside(job));
  const results: Result[] = [];
  const finish = async (job: Job) => {
    const result = await job.run();
    printResult(result);
    results.push(result);
  };
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await finish(job);
  };
  const workers = Array.from({ length: suite.parallel }, worker);
  await Promise.all([...jobs.filter(isBeside).map(finish), ...workers]);
  return results;
}

async function runSuite(suite: Suite, words: readonly string[], built: boolean): Promise<Result[]> {
  const jobs = jobsOf(suite, words);
  if (jobs.length === 0 && words.length > 0) return [];
  console.log(`\n${suite.name}`);
  const start = performance.now();
  let results: Result[];
  if (jobs.length === 0) results = [failedResult(suite.name, "no test files")];
  else if (!built && !suite.static) results = [failedResult(suite.name, "not run: the build failed")];
  else if (suite.needsRoot && process.getuid?.() !== 0) {
    results = jobs.map((job) => skippedResult(job.name, "needs root"));
  } else {
    results = await runJobs(jobs, suite);
    console.log(`  ${suite.name} took ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return results;
  }
  for (const result of results) printResult(result);
  return results;
}

/** The last line: counts, and skipped only when there is something to name. */
export function lastLine(results: readonly Result[]): string {
  const sum = (pick: (result: Result) => number) =>
    results.reduce((total, result) => total + pick(result), 0);
  const skipped = sum((result) => result.skipped);
  const counts = `${sum((result) => result.passed)} passed, ${sum((result) => result.failed)} failed`;
  return skipped > 0 ? `${counts}, ${skipped} skipped` : counts;
}

/**
 * Builds, runs the suites whose names are among the arguments (all of them when none is), and of those the
 * files whose names contain every other argument. Sets the exit status: 1 when anything failed.
 */
export async function test(args: readonly string[]): Promise<void> {
  stopOnSignals();
  const all = suites();
  const names = new Set(all.map((suite) => suite.name));
  const chosen = args.filter((word) => names.has(word));
  const words = args.filter((word) => !names.has(word));
  console.log("build");
  const built = await build();
  const first: Result = built
    ? { ...failedResult("build", ""), passed: 1, failed: 0 }
    : failedResult("build", "the build failed (see above)");
  const results = [first];
  for (const suite of all) {
    if (chosen.length > 0 && !chosen.includes(suite.name)) continue;
    results.push(...(await runSuite(suite, words, built)));
  }
  const failed = results.filter((result) => result.failed > 0);
  if (failed.length > 0) console.log(`\nfailed: ${failed.map((result) => result.name).join(", ")}`);
  console.log(`\n${lastLine(results)}`);
  if (failed.length > 0) process.exitCode = 1;
}

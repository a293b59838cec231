/**
 * The demo: Debian's unmodified redis-server on the stack, against the same Redis on the kernel's stack, both
 * driven by redis-benchmark on a kernel client. See `scripts/demo/options.ts` for the command line.
 */

import type { Contestant, ContestantName } from "./demo/contestants.js";
import { startContestant } from "./demo/contestants.js";
import { Pace, takeSample } from "./demo/measure.js";
import type { DemoOptions } from "./demo/options.js";
import { parseOptions, usage } from "./demo/options.js";
import type { Baseline } from "./demo/proof.js";
import { prove, takeBaseline } from "./demo/proof.js";
import { formatTable, Results, writeRows } from "./demo/results.js";
import { workloads } from "./demo/workloads.js";
import { cleanUp, isInterrupted } from "./lab/cleanup.js";
import { describeLab, describeMachine } from "./lab/environment.js";
import { removeStaleNamespaces } from "./lab/namespaces.js";
import { requireStackLibrary } from "./lab/repository.js";

/** Samples of one server that differ by more than this say that something else used the machine. */
const noiseFactor = 1.5;

function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error("the demo makes network namespaces, which needs root");
  }
}

async function startContestants(options: DemoOptions): Promise<Contestant[]> {
  const names: ContestantName[] = ["kernel", "kernel_equal"];
  if (!options.kernelOnly) {
    names.push("gazelle");
  }
  const contestants: Contestant[] = [];
  for (const name of names) {
    const contestant = await startContestant(name, options.port);
    contestants.push(contestant);
    say(`${contestant.title}${name === "gazelle" ? ` (port ${options.port})` : ""}: redis-server is ready`);
    for (const line of describeLab(contestant.lab)) {
      say(line);
    }
  }
  return contestants;
}

/** One sample of every server for every test; the order changes from round to round. */
async function measureRound(
  round: number,
  contestants: readonly Contestant[],
  options: DemoOptions,
  pace: Pace,
  results: Results,
): Promise<void> {
  const first = round % contestants.length;
  const order = [...contestants.slice(first), ...contestants.slice(0, first)];
  for (const workload of workloads) {
    const figures: string[] = [];
    for (const contestant of order) {
      const sample = await takeSample(contestant, workload, pace, options.sampleSeconds);
      results.add(workload.name, contestant.name, sample);
      figures.push(`${contestant.name} ${(sample.requestsPerSecond / 1_000).toFixed(1)}`);
    }
    say(`round ${round + 1}/${options.rounds}  ${workload.name.padEnd(28)}  ${figures.join("  ")}  k/s`);
  }
}

function showResults(results: Results, options: DemoOptions): ReturnType<Results["rows"]> {
  const rows = results.rows();
  const { rounds, sampleSeconds } = options;
  say();
  say(formatTable(rows));
  say(`Medians of ${rounds} samples of about ${sampleSeconds} s; one server runs at a time.`);
  const noisy = results.noisyTests(noiseFactor);
  if (noisy.length > 0) {
    say(`warning: even the kernel's samples differ by more than ${noiseFactor} x in: ${noisy.join("; ")}`);
  }
  return rows;
}

async function showProof(contestant: Contestant, before: Baseline): Promise<boolean> {
  const findings = await prove(contestant, before);
  say("Proof:");
  for (const { statement, holds, details } of findings) {
    say(`  ${holds ? "yes" : "NO "}  ${statement} (${details})`);
  }
  return findings.every((finding) => finding.holds);
}

async function demo(options: DemoOptions): Promise<boolean> {
  requireRoot();
  if (!options.kernelOnly) {
    requireStackLibrary();
  }
  for (const line of await describeMachine()) {
    say(line);
  }
  const stale = removeStaleNamespaces();
  if (stale.length > 0) {
    say(`removed what a killed run left behind: ${stale.join(", ")}`);
  }
  const contestants = await startContestants(options);
  const accelerated = contestants.find((contestant) => contestant.name === "gazelle");
  accelerated?.server.signal("SIGCONT");
  const baseline = accelerated && takeBaseline(accelerated);
  accelerated?.server.signal("SIGSTOP");
  const pace = new Pace();
  const results = new Results();
  say();
  for (let round = 0; round < options.rounds; round++) {
    await measureRound(round, contestants, options, pace, results);
  }
  const rows = showResults(results, options);
  say();
  const proved = accelerated && baseline ? await showProof(accelerated, baseline) : true;
  if (options.jsonFile !== undefined) {
    writeRows(options.jsonFile, rows);
    say(`Results are in ${options.jsonFile}`);
  }
  return proved;
}

function options(): DemoOptions {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

// Whoever reads our output may leave early; that ends the demo like Ctrl-C.
process.stdout.on("error", () => process.kill(process.pid, "SIGTERM"));

try {
  process.exitCode = (await demo(options())) ? 0 : 1;
} catch (error) {
  if (!isInterrupted()) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.exitCode = 1;
}
await cleanUp();

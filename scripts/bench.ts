import { runEngineBench } from "../bench/engine/main.js";
import { BENCH_USAGE, BenchUsageError, parseBenchOptions } from "../bench/options.js";
import { CommandError } from "./build/command.js";

try {
  await runEngineBench(parseBenchOptions(process.argv.slice(2)));
} catch (error) {
  if (error instanceof BenchUsageError) console.error(`${error.message}\n${BENCH_USAGE}`);
  else console.error(error instanceof CommandError ? error.message : error);
  process.exitCode = 1;
}

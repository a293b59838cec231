import { runEngineBench } from "../bench/engine/main.js";
import { runEpollBench } from "../bench/epoll/main.js";
import { runForwardBench } from "../bench/forward/main.js";
import { runIdleBench } from "../bench/idle/main.js";
import { runLtranBench } from "../bench/ltran/main.js";
import { BENCH_USAGE, BenchUsageError, parseBenchOptions } from "../bench/options.js";
import { runSamehostBench } from "../bench/samehost/main.js";
import { CommandError } from "./build/command.js";

const BENCHMARKS = {
  engine: runEngineBench,
  epoll: runEpollBench,
  idle: runIdleBench,
  ltran: runLtranBench,
  samehost: runSamehostBench,
  forward: runForwardBench,
};

try {
  const options = parseBenchOptions(process.argv.slice(2));
  await BENCHMARKS[options.benchmark](options);
} catch (error) {
  if (error instanceof BenchUsageError) console.error(`${error.message}\n${BENCH_USAGE}`);
  else console.error(error instanceof CommandError ? error.message : error);
  process.exitCode = 1;
}

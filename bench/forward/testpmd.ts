/** DPDK's testpmd, as a forwarder to compare with and as what makes and returns frames. */
import { waitUntil } from "../../scripts/lab/command.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";

const readyTimeoutMs = 15_000;
/** MiB for packet buffers, without huge pages. */
const MEMORY = "256";

/** What a testpmd is to do. */
export interface TestpmdOptions {
  namespace: string;
  /** CPU of its forwarding thread, 0 or 1. */
  cpu: 0 | 1;
  /** Two devices, as `--vdev` takes them. */
  devices: readonly [string, string];
  /** Further options of testpmd. */
  more: readonly string[];
}

/** Starts it on two CPUs, of which one forwards, and waits until it does. */
export async function startTestpmd({ namespace, cpu, devices, more }: TestpmdOptions): Promise<Program> {
  const cores = ["-l", "0,1", "--main-lcore", String(1 - cpu)];
  const memory = ["--no-huge", "--no-shconf", "-m", MEMORY, "--no-pci", "--no-telemetry"];
  const vdevs = devices.flatMap((device) => ["--vdev", device]);
  // Sleeps between two tables; without them it would wait for its standard input.
  const own = ["--auto-start", "--no-mlockall", "--total-num-mbufs=16384", "--stats-period=1"];
  const program = startProgram({
    namespace,
    role: cpu === 0 ? "client" : "server",
    command: "dpdk-testpmd",
    argumentList: [...cores, ...memory, ...vdevs, "--", ...own, ...more],
  });
  const isReady = () => /packet forwarding/.test(program.output()) || program.result() !== undefined;
  await waitUntil(isReady, readyTimeoutMs);
  if (program.result() !== undefined) throw new Error(`testpmd ended:\n${program.output()}`);
  return program;
}

/** Ends a testpmd that recorded cycles; frames that it moved in a second of time spent on them. */
export async function finishTestpmd(program: Program): Promise<number> {
  await program.stop();
  const found = /CPU cycles\/packet=([\d.]+).* at (\d+) MHz/.exec(program.output());
  if (found === null) throw new Error(`testpmd counted no cycles:\n${program.output().slice(-4_000)}`);
  return (Number(found[2]) * 1e6) / Number(found[1]);
}

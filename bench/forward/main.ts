/**
 * How many frames a core forwards: ltran and DPDK's testpmd between the same two ports. A generator on the
 * other core, a testpmd too, has both ports' other ends and sends every frame back the way it came. Frames
 * per second of the time that the forwarding thread spends on frames: polls that find none do not count. A
 * sample counts if the thread had its core: nobody knows how much of the time of others lay in its work.
 */
import { join } from "node:path";
import { placeOf } from "../../ltran/daemon/place.js";
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { pause } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { memoryArguments } from "../../scripts/lab/lstack-conf.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import type { BenchOptions } from "../options.js";
import { type BenchResult, compareRates, formatTable, writeResults } from "../report.js";
import { finishTestpmd, startTestpmd } from "./testpmd.js";
import { ThreadClock } from "./thread-clock.js";

const near = "10.77.0.9";
const far = "10.77.0.10";
/** The veth whose one end is the forwarder's port, the other the generator's. */
const wire = { forwarder: "wire0", generator: "wire1" };
/** Frames under way; less than any ring holds. */
const IN_FLIGHT = 256;
const SETTLE_MS = 300;
/** Of its core, so that a sample counts; and how often it is tried. */
const SHARE_LEAST = 0.9;
const ATTEMPTS = 10;

/** What the second port is; the first one is a memif. */
type Second = "memif" | "af_packet" | "packet";

/** Frames per second of the time spent on them, and what share of its core the thread had. */
interface Sample {
  rate: number;
  share: number;
}

interface Row {
  second: Second;
  bytes: number;
}

const rows: readonly Row[] = (["memif", "af_packet", "packet"] as const).flatMap((second) =>
  [64, 1500].map((bytes) => ({ second, bytes })),
);

function packetDevice(name: string): string {
  return `net_af_packet0,iface=${name},framecnt=4096,qdisc_bypass=1`;
}

function memif(index: number, role: string, socket: string): string {
  const device = `net_memif${index},role=${role},id=${index},socket=${socket},socket-abstract=no`;
  return `${device},mac=${addresses.serverMac}`;
}

/**
 * The generator on CPU 0: sends frames out of its first port and sends all that come in back, on both ports.
 * Its second port sends its first frames, too, with the first one's address.
 */
function startGenerator(lab: Lab, socket: string, { second, bytes }: Row, first: number) {
  const other = second === "memif" ? memif(1, "client", socket) : packetDevice(wire.generator);
  return startTestpmd({
    namespace: lab.serverNamespace,
    cpu: 0,
    devices: [memif(0, "client", socket), other],
    more: [
      "--forward-mode=5tswap",
      "--port-topology=loop",
      "--tx-first",
      `--burst=${first}`,
      `--txpkts=${bytes}`,
      `--tx-ip=${near},${far}`,
      `--eth-peer=0,${addresses.serverMac}`,
      `--eth-peer=1,${addresses.serverMac}`,
    ],
  });
}

/** Frames per second that a testpmd forwards: both ports' first frames go round. */
async function sampleTestpmd(lab: Lab, row: Row, seconds: number): Promise<Sample> {
  const socket = join(temporaryFolder(), "forward.sock");
  const other = row.second === "memif" ? memif(1, "server", socket) : packetDevice(wire.forwarder);
  const forwarder = await startTestpmd({
    namespace: lab.serverNamespace,
    cpu: 1,
    devices: [memif(0, "server", socket), other],
    more: ["--forward-mode=io", "--record-core-cycles"],
  });
  const generator = await startGenerator(lab, socket, row, IN_FLIGHT / 2);
  await pause(SETTLE_MS);
  const clock = new ThreadClock(forwarder.pid, "worker");
  await pause(seconds * 1_000);
  const share = clock.share();
  const rate = await finishTestpmd(forwarder);
  await generator.stop();
  return { rate, share };
}

function ltranOptions({ second }: Row): Record<string, string> {
  // Where the second port is a memif too, the device has nothing to do.
  const kernel: Record<string, string> = { devices: `"${wire.forwarder}"` };
  const words = [...memoryArguments(), "--no-pci", "--vdev", packetDevice(wire.forwarder)];
  const dpdk = { devices: "", forward_kit: '"dpdk"', forward_kit_args: `"${words.join(" ")}"` };
  return {
    ...(second === "af_packet" ? dpdk : kernel),
    memif_clients: second === "memif" ? `"0=${near},1=${far}"` : `"0=${near}"`,
    forward_cpu: "1",
  };
}

async function readProgress(ltran: Daemon) {
  const { counters, busyMicroseconds } = await ltran.report();
  return { frames: (counters.nicFramesOut ?? 0) + (counters.vportFramesOut ?? 0), busyMicroseconds };
}

/** Frames per second that ltran forwards: the second port's first frames are foreign, and dropped. */
async function sampleLtran(lab: Lab, row: Row, seconds: number): Promise<Sample> {
  const ltran = await startLtran(lab, ltranOptions(row));
  const generator = await startGenerator(lab, placeOf(ltran.prefix).memif, row, IN_FLIGHT);
  await pause(SETTLE_MS);
  const clock = new ThreadClock(ltran.program.pid, "ltran-forward");
  const before = await readProgress(ltran);
  await pause(seconds * 1_000);
  const after = await readProgress(ltran);
  const share = clock.share();
  await generator.stop();
  await ltran.program.stop();
  const moved = after.frames - before.frames;
  if (moved < IN_FLIGHT)
    throw new Error(`ltran forwarded ${moved} frames:\n${generator.output().slice(-2_000)}`);
  return { rate: (moved * 1e6) / (after.busyMicroseconds - before.busyMicroseconds), share };
}

/** A sample for which the thread had its core. @throws Error when others go on having it. */
async function quietSample(take: () => Promise<Sample>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { rate, share } = await take();
    if (share >= SHARE_LEAST) return rate;
    console.log(`the forwarding thread had ${Math.round(share * 100)} % of its core: another sample`);
  }
  throw new Error("this machine has other work; nothing can be said about a core");
}

async function measureRow(lab: Lab, row: Row, { rounds, seconds }: BenchOptions): Promise<BenchResult> {
  const ours: number[] = [];
  const testpmd: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const takeOurs = async () => ours.push(await quietSample(() => sampleLtran(lab, row, seconds)));
    const takeTheirs = async () => testpmd.push(await quietSample(() => sampleTestpmd(lab, row, seconds)));
    const order = round % 2 === 0 ? [takeOurs, takeTheirs] : [takeTheirs, takeOurs];
    for (const take of order) await take();
  }
  const name = `memif to ${row.second}, ${row.bytes} B`;
  return compareRates(name, "frames/s of one core", { ours, peers: { testpmd } });
}

/** Measures every row. */
export async function runForwardBench(options: BenchOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this benchmark makes network namespaces, which needs root");
  try {
    const lab = createLab({ label: "forward", stack: "gazelle", offloads: "equal" });
    const inServer = (...words: string[]) => runInside(lab.serverNamespace, ...words);
    inServer("ip", "link", "add", "name", wire.forwarder, "type", "veth", "peer", "name", wire.generator);
    for (const device of Object.values(wire)) inServer("ip", "link", "set", device, "up");
    const results: BenchResult[] = [];
    for (const row of rows) {
      const result = await measureRow(lab, row, options);
      results.push(result);
      console.log(`${result.name}: done`);
    }
    console.log(`\n${formatTable(results)}`);
    if (options.jsonFile !== undefined) writeResults(options.jsonFile, results);
  } finally {
    await cleanUp();
  }
}

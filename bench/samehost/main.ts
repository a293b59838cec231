/** Programs of one machine with a ring of their own, against the same programs on the kernel's loopback. */
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { addresses, createLab } from "../../scripts/lab/lab.js";
import { startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import type { BenchOptions } from "../options.js";
import { type BenchResult, compareRates, formatTable, writeResults } from "../report.js";
import { getsPerSecond, type Host, medianRoundTrip, startRedis, startSockperf } from "./programs.js";

const warmUpRequests = 20_000;

/** A row: a name, its unit, and how one sample of it is taken. */
interface Row {
  name: string;
  unit: string;
  sample(host: Host): Promise<number>;
}

/** GET over some connections; as many requests as the last sample says fit the time. */
function getRow(connections: number, seconds: number): Row {
  const rates = new Map<Host, number>();
  const name = `redis-benchmark GET, ${connections} connection${connections === 1 ? "" : "s"}`;
  const sample = async (host: Host): Promise<number> => {
    const known = rates.get(host) ?? (await getsPerSecond(host, connections, warmUpRequests));
    const rate = await getsPerSecond(
      host,
      connections,
      Math.max(warmUpRequests, Math.round(known * seconds)),
    );
    rates.set(host, rate);
    return rate;
  };
  return { name, unit: "requests/s", sample };
}

/** One sample of each, in turns: who begins changes from round to round. */
async function measureRow(row: Row, hosts: readonly [Host, Host], rounds: number): Promise<BenchResult> {
  const samples = new Map<string, number[]>([
    ["kernel", []],
    ["gazelle", []],
  ]);
  for (let round = 0; round < rounds; round++) {
    for (const host of round % 2 === 0 ? hosts : hosts.toReversed()) {
      samples.get(host.name)?.push(await row.sample(host));
    }
  }
  const ours = samples.get("gazelle") ?? [];
  return compareRates(row.name, row.unit, { ours, peers: { kernel: samples.get("kernel") ?? [] } });
}

async function openHosts(): Promise<[Host, Host]> {
  const lab = createLab({ label: "samehost", stack: "gazelle", offloads: "default" });
  runInside(lab.serverNamespace, "ip", "link", "set", "lo", "up");
  const { prefix } = await startLtran(lab);
  const loopback = "127.0.0.1";
  const common = { lab, prefix };
  return [
    { ...common, name: "kernel", redisAddress: loopback, sockperfAddress: loopback, clientAddress: loopback },
    {
      ...common,
      name: "gazelle",
      redisAddress: addresses.server,
      sockperfAddress: "10.77.0.4",
      clientAddress: "10.77.0.3",
    },
  ];
}

/** Measures round trips and rates between two programs. */
export async function runSamehostBench(options: BenchOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this benchmark makes network namespaces, which needs root");
  requireStackLibrary();
  const { rounds, seconds } = options;
  try {
    const hosts = await openHosts();
    for (const host of hosts) await Promise.all([startRedis(host), startSockperf(host)]);
    const rows: Row[] = [
      getRow(1, seconds),
      getRow(50, seconds),
      {
        name: "sockperf pp --tcp, median",
        unit: "us a round trip",
        sample: (host) => medianRoundTrip(host, seconds),
      },
    ];
    const results: BenchResult[] = [];
    for (const row of rows) {
      results.push(await measureRow(row, hosts, rounds));
      console.log(`${row.name}: done`);
    }
    console.log(`\n${formatTable(results)}`);
    if (options.jsonFile !== undefined) writeResults(options.jsonFile, results);
  } finally {
    await cleanUp();
  }
}

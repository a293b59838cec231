/** The six tests of the demo, in terms of redis-benchmark. */

/** The names that `build/demo.json` uses. */
export type WorkloadName =
  | "1 connection"
  | "50 connections"
  | "50 connections, pipeline 16"
  | "64 KB SET"
  | "64 KB GET"
  | "new connection per request";

/** One test. */
export interface Workload {
  name: WorkloadName;
  command: "get" | "set";
  connections: number;
  pipeline: number;
  /** Bytes of the value that is stored before the test, and that SET sends. */
  valueBytes: number;
  keepAlive: boolean;
  /** Requests of the first, unrecorded run, which shows how many fill a sample. */
  warmUpRequests: number;
}

const plain = { command: "get", connections: 50, pipeline: 1, valueBytes: 3, keepAlive: true } as const;
const large = { ...plain, connections: 8, valueBytes: 65_536, warmUpRequests: 1_500 } as const;

export const workloads: readonly Workload[] = [
  { ...plain, name: "1 connection", connections: 1, warmUpRequests: 1_500 },
  { ...plain, name: "50 connections", warmUpRequests: 8_000 },
  { ...plain, name: "50 connections, pipeline 16", pipeline: 16, warmUpRequests: 80_000 },
  { ...large, name: "64 KB SET", command: "set" },
  { ...large, name: "64 KB GET" },
  { ...plain, name: "new connection per request", keepAlive: false, warmUpRequests: 2_000 },
];

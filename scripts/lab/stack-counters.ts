/** What an accelerated process says about itself. */
import { join } from "node:path";
import { run } from "./command.js";
import { repositoryRoot } from "./repository.js";

/** The counters that the demo and the program tests compare with the kernel's at the other end. */
interface StackCounters {
  /** Bytes of the frames taken from and handed to the port, Ethernet header included. */
  rxBytes: bigint;
  txBytes: bigint;
  /** Connections that a listener of the stack completed, and that the stack itself opened. */
  tcpPassiveOpens: bigint;
  tcpActiveOpens: bigint;
  /** Datagrams delivered to a socket. */
  udpIn: bigint;
  /** Sockets made on the stack, accepted ones included. */
  socketsAccelerated: bigint;
  /** Sockets that could have been accelerated and went to the kernel instead, for whatever reason. */
  fallbacks: bigint;
}

const plainCounters = [
  "rxBytes",
  "txBytes",
  "tcpPassiveOpens",
  "tcpActiveOpens",
  "udpIn",
  "socketsAccelerated",
] as const satisfies readonly (keyof StackCounters)[];

/** What `gazelle stats PID --json` prints, as far as we read it. */
interface Statistics {
  counters?: Record<string, number | string>;
  fallbacks?: Record<string, number | string>;
}

/**
 * Asks a running process for its counters through its control socket.
 * @throws Error when the process has none, does not answer, or lacks a counter.
 */
export function readStackCounters(pid: number): StackCounters {
  const command = join(repositoryRoot, "ctl", "bin", "gazelle.mjs");
  const answer = run(process.execPath, [command, "stats", String(pid), "--json"]).toString();
  const { counters, fallbacks } = JSON.parse(answer) as Statistics;
  if (counters === undefined || fallbacks === undefined) {
    throw new Error(`\`gazelle stats ${pid} --json\` reports no counters or no fallbacks`);
  }
  const values = plainCounters.map((name) => {
    const value = counters[name];
    if (value === undefined) {
      throw new Error(`\`gazelle stats ${pid} --json\` reports no counter ${name}`);
    }
    return [name, BigInt(value)] as const;
  });
  const total = Object.values(fallbacks).reduce((sum: bigint, value) => sum + BigInt(value), 0n);
  return { ...(Object.fromEntries(values) as Omit<StackCounters, "fallbacks">), fallbacks: total };
}

/** What an accelerated process says about itself. */
import { join } from "node:path";
import { run } from "./command.js";
import { repositoryRoot } from "./repository.js";

/** The counters that the demo and the program tests compare with the kernel's at the other end. */
export interface StackCounters {
  /** Bytes of the frames taken from and handed to the port, Ethernet header included. */
  rxBytes: bigint;
  txBytes: bigint;
  /** Connections that a listener of the stack completed, and that the stack itself opened. */
  passiveOpens: bigint;
  activeOpens: bigint;
  /** Sockets that the stack serves, ever. */
  acceleratedSockets: bigint;
  /** Sockets that could have been accelerated and went to the kernel instead. */
  fallbacks: bigint;
}

const counterNames: Readonly<Record<keyof StackCounters, string>> = {
  rxBytes: "port.rxBytes",
  txBytes: "port.txBytes",
  passiveOpens: "tcp.passiveOpens",
  activeOpens: "tcp.activeOpens",
  acceleratedSockets: "socket.accelerated",
  fallbacks: "socket.fallbacks",
};

/** @throws Error when the text has no such counter. */
function pick(counters: Readonly<Record<string, unknown>>, name: string, pid: number): bigint {
  const value = counters[name];
  if (typeof value !== "number" && typeof value !== "string") {
    throw new Error(`\`gazelle stats ${pid}\` reports no counter ${name}`);
  }
  return BigInt(value);
}

/**
 * Asks a running process for its counters through its control socket.
 * @throws Error when the process has none, does not answer, or lacks a counter.
 */
export function readStackCounters(pid: number): StackCounters {
  const command = join(repositoryRoot, "ctl", "bin", "gazelle.mjs");
  const answer = run(process.execPath, [command, "stats", String(pid), "--json"]).toString();
  const counters = JSON.parse(answer) as Record<string, unknown>;
  const values = Object.entries(counterNames).map(([key, name]) => [key, pick(counters, name, pid)]);
  return Object.fromEntries(values) as Record<keyof StackCounters, bigint>;
}

/** What happened between two readings. */
export function counterDifference(later: StackCounters, earlier: StackCounters): StackCounters {
  const keys = Object.keys(counterNames) as (keyof StackCounters)[];
  const values = keys.map((key) => [key, later[key] - earlier[key]]);
  return Object.fromEntries(values) as Record<keyof StackCounters, bigint>;
}

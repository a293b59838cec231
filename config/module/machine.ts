// What this machine has, told from outside, and what a start here would lack.
import { report } from "./messages";
import { Option } from "./option";

/** Numbers of the CPUs that are online. */
export const cpus: i32[] = [];
/** Those that this process may use. */
export const allowed: i32[] = [];

/** A NUMA node: memory, and the CPUs that are near to it. */
class NumaNode {
  constructor(
    public readonly number: i32,
    public readonly cpus: i32[],
  ) {}
}

export const nodes: NumaNode[] = [];

/** Number of the NUMA node of a CPU; -1 if that is not known. */
export function nodeOf(cpu: i32): i32 {
  for (let i = 0; i < nodes.length; i++) if (nodes[i].cpus.includes(cpu)) return nodes[i].number;
  return -1;
}

/** Tells of one more node. */
export function addNode(number: i32, itsCpus: i32[]): void {
  nodes.push(new NumaNode(number, itsCpus));
}

class Machine {
  /** The CPU that this process runs on; -1: not known. */
  currentCpu: i32 = -1;
  freeHugeMebibytes: f64 = 0;
  /** A start is about to happen: what it lacks is an error. Otherwise, it is a warning. */
  starting: bool = false;
}

export const machine = new Machine();

/** Reports something that is right as a configuration but cannot start on this machine with this version. */
export function lacking(option: Option, value: string, reason: string): void {
  const shown = value.length > 0 ? value : option.shown;
  const prefix = machine.starting ? "" : "would stop a start here: ";
  report(machine.starting, option.file, option.line, option.givenAs, shown, prefix + reason);
}

// What this machine has, told from outside, and what a start here would lack.
import { report } from "./messages";
import { Option } from "./option";

/** Numbers of the CPUs that are online. */
export const cpus: i32[] = [];

class Machine {
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

/** What the doctor is shown of a machine, and what it has to find. */
import type { Facts, Machine } from "../../../ctl/doctor/facts/facts.js";
import type { Finding } from "../../../ctl/doctor/finding.js";
import { healthy } from "./made-up-facts.js";

/** Changes of a machine on which everything is right. */
export type Changes = Partial<Omit<Facts, "machine">> & { machine?: Partial<Machine> };

/** Trouble: what it is, the facts, who finds it, how bad it is, and what is said of it. */
export type Trouble = readonly [string, Changes, string, Finding["severity"], RegExp];

/** A machine on which everything is right, but for some changes. */
export function changed({ machine, ...rest }: Changes): Facts {
  const facts = healthy();
  return { ...facts, ...rest, machine: { ...facts.machine, ...machine } };
}

/** A pool of a thousand objects. */
export function pool(used: number, peak: number, exhausted: number) {
  return { capacity: 1_000, used, peak, exhausted };
}

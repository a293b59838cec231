import { Wake } from "../memory/wake";
import { Counter, count } from "./counters";

/** Counts why a thread is awake again: bits of Wake, none: its time had come. */
export function countWake(by: u32): void {
  if ((by & Wake.frame) != 0) count(Counter.wakesByFrame);
  if ((by & Wake.thread) != 0) count(Counter.wakesByThread);
  if ((by & Wake.descriptor) != 0) count(Counter.wakesByDescriptor);
  if (by == 0) count(Counter.wakesByTime);
}

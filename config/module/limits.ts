// Limits of what is sent, which both files have.
import { Table } from "./table";

/** Declares the limits in packets and in bits: `sender` sends, `beyond` says what becomes of the rest. */
export function declareRateLimits(table: Table, sender: string, beyond: string): void {
  table
    .integer("rate_limit_pps", 0, `Most packets per second that ${sender}.`)
    .between(0, 1_000_000_000)
    .meaning(`0: no limit. ${beyond}`);
  table
    .integer("rate_limit_mbps", 0, `Most megabits (10^6 bits) per second that ${sender}.`)
    .between(0, 1_000_000)
    .meaning("0: no limit. Counted from the Ethernet header on; otherwise as rate_limit_pps.");
}

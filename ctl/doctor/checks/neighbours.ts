import type { Check, Problem } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

/** Once or twice is a peer that was switched off. */
const FAILURES_LEAST = 3;

export const neighbours: Check = {
  id: "neighbours",
  about: "neighbours answer, and nobody else has a stack's address",
  look: (facts) =>
    answering(facts).flatMap(({ program, now: { counters } }) => {
      const { arpConflicts = 0, neighbourFailures = 0 } = counters;
      const problems: Problem[] = [];
      if (arpConflicts > 0) {
        problems.push({
          severity: "error",
          what: `another machine says that it has ${program.address}, the address of ${called(program)}`,
          why: "peers talk to one or the other at random: connections break",
          fix:
            `arping -D -I ${program.device} ${program.address}   # names its MAC address; then ` +
            "change one of both",
        });
      }
      if (neighbourFailures >= FAILURES_LEAST) {
        problems.push({
          severity: "warning",
          what: `neighbours of ${called(program)} did not answer ARP ${counted(neighbourFailures, "time")}`,
          why:
            "who is in the same network, or the gateway, cannot be reached: wrong mask_addr, " +
            "gateway_addr or VLAN",
          fix: "compare mask_addr and gateway_addr with `ip route` of another machine in this network",
        });
      }
      return problems;
    }),
};

import type { Direction } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { answering, called, counted, deviceUsers, type User } from "../subjects.js";

/** Of all packets; a device drops what no protocol wants, too, and that is no trouble. */
const SHARE = 0.001;
const LEAST = 10;

function lost({ packets, errors, dropped, missed }: Direction): number {
  const all = errors + Math.max(dropped, missed);
  return all >= LEAST && all > packets * SHARE ? all : 0;
}

function ofDevice({ by, link }: User): Problem[] {
  const both = [
    ["received", lost(link.received)],
    ["sent", lost(link.sent)],
  ] as const;
  return both
    .filter(([, frames]) => frames > 0)
    .map(([direction, frames]) => ({
      severity: "warning",
      what:
        `${link.name}, which ${by} uses, has lost ${counted(frames, "frame")} that it should have ` +
        `${direction}`,
      why: "each is sent again after a wait, which costs throughput and latency",
      fix: `ethtool -S ${link.name}; ethtool -G ${link.name} rx 4096   # counters by cause; a longer ring`,
    }));
}

export const portDrops: Check = {
  id: "port-drops",
  about: "no device or port loses frames",
  look: (facts) => {
    const ofPrograms = answering(facts).flatMap(({ program, now: { drops, counters, refused } }) => {
      const full = (drops.txRingFull ?? 0) + refused;
      const cut = drops.truncated ?? 0;
      const problems: Problem[] = [];
      if (full >= LEAST && full > (counters.txFrames ?? 0) * SHARE) {
        problems.push({
          severity: "warning",
          what: `the port of ${called(program)} could not send ${counted(full, "frame")}`,
          why: "the device is slower than the stack: datagrams are lost, and TCP waits",
          fix: `ethtool -G ${program.device} tx 4096   # or a faster device`,
        });
      }
      if (cut > 0) {
        problems.push({
          severity: "warning",
          what: `${called(program)} received ${counted(cut, "frame")} that were cut off`,
          why: "the other end sends frames longer than the port's buffers: large transfers hang",
          fix: "at the other end: ethtool -K DEVICE tx off tso off gso off   # or the same MTU at both ends",
        });
      }
      return problems;
    });
    return [...deviceUsers(facts).flatMap(ofDevice), ...ofPrograms];
  },
};

import type { Check } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

export const backlog: Check = {
  id: "backlog",
  about: "listen queues have room",
  look: (facts) =>
    answering(facts).flatMap(({ program, before, now }) => {
      const refused = now.drops.tcpBacklogFull ?? 0;
      if (refused === 0) return [];
      const isNow = refused > (before.drops.tcpBacklogFull ?? 0);
      return [
        {
          severity: "warning",
          what:
            `a listen queue of ${called(program)} ${isNow ? "is" : "was"} full: ` +
            `${counted(refused, "segment")} of new connections found no room`,
          why: "clients wait for seconds and try again, or see time-outs",
          fix:
            "let the program accept faster, or with a larger backlog (redis: tcp-backlog; nginx: " +
            "listen ... backlog=)",
        },
      ];
    }),
};

import type { Check } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

export const peerReader: Check = {
  id: "peer-reader",
  about: "peers read what is sent to them",
  look: (facts) =>
    answering(facts)
      .filter(({ now }) => (now.counters.tcpZeroWindowProbes ?? 0) > 0)
      .map(({ program, now: { counters } }) => ({
        severity: "warning",
        what:
          `peers of ${called(program)} did not read: windows closed ` +
          `${counted(counters.tcpZeroWindows ?? 0, "time")}, and ` +
          `${counted(counters.tcpZeroWindowProbes ?? 0, "probe")} had to be sent`,
        why:
          "answers wait in the stack's buffers until the client reads; buffers that wait are " +
          "missing elsewhere",
        fix: "look at the clients: `ss -tmi` shows there what they have not read",
      })),
};

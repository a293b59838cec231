import type { Check } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

const REASONS = ["tcpMalformed", "udpMalformed", "ipChecksum"] as const;
/** A cable corrupts a packet now and then, and the link's own checksum lets one in many through. */
const LEAST = 5;

export const checksums: Check = {
  id: "checksums",
  about: "what arrives has right checksums",
  look: (facts) =>
    answering(facts).flatMap(({ program, now: { drops } }) => {
      const wrong = REASONS.reduce((sum, reason) => sum + (drops[reason] ?? 0), 0);
      if (wrong < LEAST) return [];
      const parts = REASONS.filter((reason) => (drops[reason] ?? 0) > 0);
      return [
        {
          severity: "error",
          what:
            `${called(program)} dropped ${counted(wrong, "packet")} with a wrong checksum or header ` +
            `(${parts.map((reason) => `${reason} ${drops[reason]}`).join(", ")})`,
          why:
            "a sender leaves checksums to a device that does not compute them, or something " +
            "changes packets",
          fix: "at the sender, and at virtual devices on the way: ethtool -K DEVICE tx off",
        },
      ];
    }),
};

import type { Check } from "../finding.js";

export const visibility: Check = {
  id: "visibility",
  about: "everything could be looked at",
  look: ({ unseen }) =>
    unseen.map((what) => ({
      severity: "info",
      what: `not looked at: ${what}`,
      why: "what is wrong there is not found",
      fix: "sudo gazelle doctor   # with iproute2, ethtool and nftables installed",
    })),
};

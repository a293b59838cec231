import type { Check, Problem } from "../finding.js";
import { deviceUsers, type User } from "../subjects.js";

function problems({ by, link: { name, isUp, hasCarrier } }: User): Problem[] {
  if (!isUp) {
    return [
      {
        severity: "error",
        what: `${name}, which ${by} uses, is down`,
        why: "nothing is received or sent, and a start is refused",
        fix: `ip link set ${name} up`,
      },
    ];
  }
  if (hasCarrier) return [];
  return [
    {
      severity: "warning",
      what: `${name}, which ${by} uses, has no link`,
      why: "the cable is not plugged in, or the other end is down: nothing arrives",
      fix: `ip link show ${name}   # then look at the cable, the switch, or the other end`,
    },
  ];
}

export const link: Check = {
  id: "link",
  about: "the devices in use are up and have a link",
  look: (facts) => deviceUsers(facts).flatMap(problems),
};

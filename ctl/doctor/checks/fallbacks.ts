import type { Check } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

export const fallbacks: Check = {
  id: "fallbacks",
  about: "no socket was left to the kernel for lack of memory or of a stack",
  look: (facts) =>
    answering(facts).flatMap(({ program, now: { fallbacks: reasons } }) => {
      const number = (reasons.noMemory ?? 0) + (reasons.stackFailed ?? 0);
      if (number === 0) return [];
      return [
        {
          severity: "warning",
          what:
            `${counted(number, "socket")} of ${called(program)} went to the kernel, as the stack ` +
            "had no room",
          why: "they work, at the kernel's speed, and with addresses of the kernel only",
          fix: "raise memory in lstack.conf",
        },
      ];
    }),
};

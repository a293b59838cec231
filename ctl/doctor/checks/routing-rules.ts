import type { Check } from "../finding.js";

export const routingRules: Check = {
  id: "routing-rules",
  about: "no rule of `ip rule` is left of a program that was killed",
  look: ({ remains }) =>
    remains.rules
      .filter(({ hasRoutes }) => !hasRoutes)
      .map(({ source, table }) => ({
        severity: "info",
        what: `the rule for ${source} names the empty table ${table}: a program with kni_switch was killed`,
        why: "it does nothing, and the next start with this address uses it again",
        fix: `ip rule del from ${source} table ${table}`,
      })),
};

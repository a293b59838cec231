import type { Facts, Ltran } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { called, lstacks, ltranFiles } from "../subjects.js";

function waiting(facts: Facts, prefix: string): string[] {
  const running = facts.programs.filter((one) => one.port === "ltran" && one.prefix === prefix).map(called);
  const files = lstacks(facts).filter((one) => one.port === "ltran" && one.unixPrefix === prefix);
  return [...running, ...files.map(({ path }) => path)];
}

function notThere(facts: Facts, { prefix, socket }: Ltran): Problem[] {
  const who = waiting(facts, prefix);
  // Whoever asks about ltran.conf alone is about to start it.
  if (who.length === 0) return [];
  const file = ltranFiles(facts).find(({ unixPrefix }) => unixPrefix === prefix)?.path;
  return [
    {
      severity: "error",
      what: `no ltran answers at ${socket}, which ${who.join(", ")} needs (use_ltran = 1)`,
      why: "programs behind ltran reach no network without it: a start fails, and one that runs waits",
      fix:
        `systemctl start ltran   # or: ltran -c ${file ?? "/etc/gazelle/ltran.conf"}; unix_prefix ` +
        "must be the same",
    },
  ];
}

export const ltran: Check = {
  id: "ltran",
  about: "the ltran that programs need is running",
  look: (facts) =>
    facts.ltrans.filter(({ report }) => report === null).flatMap((one) => notThere(facts, one)),
};

import type { Facts } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";

const WHY = "only programs that it names use the stack; this one runs as if the library were not there";

function variable(wanted: string | null): string {
  return wanted === null ? "GAZELLE_BIND_PROCNAME is not set" : `GAZELLE_BIND_PROCNAME is "${wanted}"`;
}

/** Programs that run. */
function running({ bystanders, matchedNames }: Facts): Problem[] {
  return (
    bystanders
      // Shells and helpers beside the program that is meant run with the same variables, and are right to.
      .filter(({ hasSockets, wanted }) => hasSockets && (wanted === null || !matchedNames.includes(wanted)))
      .map(({ pid, names, wanted }) => ({
        severity: "error",
        what:
          `process ${pid} (${names.join(", ")}) has liblstack.so preloaded and is served by the kernel: ` +
          variable(wanted),
        why: WHY,
        fix: `start it with GAZELLE_BIND_PROCNAME=${names[0] ?? ""}, or with \`gazelle run\``,
      }))
  );
}

/** Services, which need not run: one whose address is the stack's ends at once without it. */
function services(facts: Facts): Problem[] {
  return facts.services
    .filter(({ wanted, names }) => {
      const list = (wanted ?? "").split(",").map((name) => name.trim());
      return names.length > 0 && !names.some((name) => list.includes(name));
    })
    .map(({ unit, wanted, names }) => ({
      severity: "warning",
      what: `${unit} preloads liblstack.so and starts ${names.join(", which is ")}: ${variable(wanted)}`,
      why: WHY,
      fix: `systemctl edit ${unit}   # Environment=GAZELLE_BIND_PROCNAME=${names[0] ?? ""}`,
    }));
}

export const processName: Check = {
  id: "process-name",
  about: "GAZELLE_BIND_PROCNAME names the programs that have liblstack.so preloaded",
  look: (facts) => [...running(facts), ...services(facts)],
};

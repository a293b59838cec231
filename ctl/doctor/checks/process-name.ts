import type { Check } from "../finding.js";

export const processName: Check = {
  id: "process-name",
  about: "GAZELLE_BIND_PROCNAME names the programs that have liblstack.so preloaded",
  look: ({ bystanders, matchedNames }) =>
    bystanders
      // Shells and helpers beside the program that is meant run with the same variables, and are right to.
      .filter(({ hasSockets, wanted }) => hasSockets && (wanted === null || !matchedNames.includes(wanted)))
      .map(({ pid, names, wanted }) => ({
        severity: "error",
        what: `process ${pid} (${names.join(", ")}) has liblstack.so preloaded and is served by the kernel: ${
          wanted === null ? "GAZELLE_BIND_PROCNAME is not set" : `GAZELLE_BIND_PROCNAME is "${wanted}"`
        }`,
        why: "only programs that it names use the stack; this one runs as if the library were not there",
        fix: `start it with GAZELLE_BIND_PROCNAME=${names[0] ?? ""}, or with \`gazelle run\``,
      })),
};

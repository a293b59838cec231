import type { Facts } from "../facts/facts.js";
import type { Check } from "../finding.js";
import { lstacks, ltranFiles } from "../subjects.js";

const STRICT = 1;

/** Devices of the kernel that share a stack's address: those of running programs, and of configurations. */
function kernelDevices(facts: Facts): string[] {
  const macs = [...facts.programs.map(({ mac }) => mac), ...facts.ltrans.map(({ report }) => report?.mac)];
  const running = facts.links.filter(({ kind, mac }) => kind === "tun" && macs.includes(mac));
  const configured = [...lstacks(facts), ...ltranFiles(facts)].filter(
    ({ hasKernelDevice }) => hasKernelDevice,
  );
  return [
    ...new Set([...running.map(({ name }) => name), ...configured.map(({ kernelDevice }) => kernelDevice)]),
  ];
}

export const reversePath: Check = {
  id: "reverse-path",
  about: "rp_filter lets through what comes by the kernel's device",
  look: (facts) => {
    const { reversePathFilter: filters } = facts.machine;
    return kernelDevices(facts)
      .filter((name) => {
        const own = filters.get(name) ?? filters.get("default") ?? 0;
        // The larger one counts, and 2 is looser than 1.
        return Math.max(filters.get("all") ?? 0, own) === STRICT;
      })
      .map((name) => ({
        severity: "warning",
        what: `rp_filter is strict (1) for ${name}, the kernel's device of kni_switch`,
        why: "what comes by it from networks that another interface leads to is dropped without a word",
        fix:
          `sysctl -w net.ipv4.conf.${name}.rp_filter=2   # before it is made: ` +
          "net.ipv4.conf.default.rp_filter=2",
      }));
  },
};

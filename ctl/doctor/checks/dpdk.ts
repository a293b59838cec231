import type { Check } from "../finding.js";
import { lstacks, ltranFiles } from "../subjects.js";

export const dpdk: Check = {
  id: "dpdk",
  about: "liblstack-dpdk.so, with DPDK linked into it, can be loaded where a configuration wants it",
  look: (facts) => {
    const { dpdkLacks } = facts.machine;
    const paths = [...lstacks(facts), ...ltranFiles(facts)].filter(({ port }) => port === "dpdk");
    const [first] = paths;
    if (first === undefined) return [];
    if (dpdkLacks === null) {
      return [
        {
          severity: "error",
          what: `${first.path} wants DPDK, and liblstack-dpdk.so is not installed`,
          why: "port dpdk is in this object: a start fails",
          fix: "npm run build   # or install the package again",
        },
      ];
    }
    if (dpdkLacks.length === 0) return [];
    return [
      {
        severity: "error",
        what: `${first.path} wants DPDK, and ${dpdkLacks.join(", ")} cannot be found`,
        why: "liblstack-dpdk.so needs it: another version, or none, is installed, and a start fails",
        fix:
          "apt-get install libxdp1 libbpf1 libnuma1 libbsd0   # the packages that have " +
          `${dpdkLacks.join(", ")}`,
      },
    ];
  },
};

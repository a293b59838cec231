import type { Facts, HugePages } from "../facts/facts.js";
import type { Check } from "../finding.js";
import { isRunning, lstacks, ltranFiles } from "../subjects.js";

function mebibytes(pages: readonly HugePages[], which: "free" | "total"): number {
  return pages.reduce((sum, { kibibytes, ...counts }) => sum + (counts[which] * kibibytes) / 1024, 0);
}

/** MiB that arguments for the EAL ask for: -m, --socket-mem. */
function wanted(ealArguments: readonly string[]): number {
  const sizes = ealArguments.flatMap((argument, i) => {
    const attached = /^(?:-m|--socket-mem=)([\d,]+)$/.exec(argument)?.[1];
    const isNext = ["-m", "--socket-mem"].includes(ealArguments[i - 1] ?? "");
    const list = attached ?? (isNext ? argument : "");
    return list === "" ? [] : list.split(",").map(Number);
  });
  return Math.max(
    2,
    sizes.reduce((sum, size) => sum + size, 0),
  );
}

function starts(facts: Facts): { path: string; ealArguments: string[] }[] {
  return [...lstacks(facts), ...ltranFiles(facts)].filter(
    (one) => one.wantsHugePages && one.port === "dpdk" && !isRunning(facts, one),
  );
}

export const hugePages: Check = {
  id: "huge-pages",
  about: "as many huge pages are free as configurations ask for",
  look: (facts) => {
    const { hugePages: pages } = facts.machine;
    const free = mebibytes(pages, "free");
    return starts(facts)
      .map(({ path, ealArguments }) => ({ path, size: wanted(ealArguments) }))
      .filter(({ size }) => size > free)
      .map(({ path, size }) => ({
        severity: "error",
        what:
          `${path} asks for ${size} MiB in huge pages; ${free} of ${mebibytes(pages, "total")} ` +
          "MiB are free",
        why: "DPDK gets no memory, so the program does not start",
        fix: `sysctl -w vm.nr_hugepages=${Math.ceil((mebibytes(pages, "total") - free + size) / 2)}`,
      }));
  },
};

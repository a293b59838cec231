import type { Facts } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { called, isRunning, lstacks, ltranFiles } from "../subjects.js";

const GIBIBYTE = 2 ** 30;
/** What the stack, or ltran, reserves of addresses. */
const RESERVED = 8 * GIBIBYTE;
/** What DPDK reserves beside it where it has huge pages. */
const RESERVED_HUGE = 134 * 1e9;
/** A server needs a descriptor for each connection. */
const FILES_LEAST = 4_096;
const FILES_FULL = 0.9;
const IPC_LOCK = 14n;

function beforeStart(facts: Facts): Problem[] {
  const { limits, capabilities } = facts.machine;
  const starts = [...lstacks(facts), ...ltranFiles(facts)].filter((one) => !isRunning(facts, one));
  return starts.flatMap(({ path, port, wantsHugePages }) => {
    const problems: Problem[] = [];
    const addresses = RESERVED + (port === "dpdk" && wantsHugePages ? RESERVED_HUGE : 0);
    if (limits.addressSpace < addresses) {
      problems.push({
        severity: "error",
        what:
          `${path}: a process may have ${(limits.addressSpace / GIBIBYTE).toFixed(1)} GiB of ` +
          "addresses here",
        why:
          `${(addresses / GIBIBYTE).toFixed(0)} GiB are reserved at the start, of addresses and ` +
          "not of memory",
        fix: "ulimit -v unlimited",
      });
    }
    if (port === "dpdk" && limits.lockedMemory < GIBIBYTE && ((capabilities >> IPC_LOCK) & 1n) === 0n) {
      problems.push({
        severity: "warning",
        what: `${path}: a process may lock ${Math.round(limits.lockedMemory / 1024)} KiB of memory here`,
        why: "DPDK locks rings and buffers into memory, and fails beyond the limit",
        fix: "ulimit -l unlimited   # or CAP_IPC_LOCK; a service of systemd: LimitMEMLOCK=infinity",
      });
    }
    if (limits.openFilesHard < FILES_LEAST) {
      problems.push({
        severity: "warning",
        what: `${path}: a process may open ${limits.openFilesHard} files here`,
        why: "every connection takes a descriptor of the kernel: accept fails beyond the limit",
        fix: "ulimit -n 65536   # a service of systemd: LimitNOFILE=65536",
      });
    }
    return problems;
  });
}

function running({ programs }: Facts): Problem[] {
  return programs
    .filter(({ openFiles, openFilesLimit }) => openFiles > openFilesLimit * FILES_FULL)
    .map((program) => ({
      severity: "warning",
      what: `${called(program)} has ${program.openFiles} of at most ${program.openFilesLimit} descriptors`,
      why: "every connection takes one: accept fails soon with EMFILE",
      fix: `prlimit --pid ${program.pid} --nofile=65536`,
    }));
}

export const limits: Check = {
  id: "limits",
  about: "limits of address space, locked memory and open files are wide enough",
  look: (facts) => [...beforeStart(facts), ...running(facts)],
};

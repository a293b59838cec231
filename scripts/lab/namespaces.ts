/** Network namespaces by name: made, emptied, removed; those of dead runs are found and removed too. */
import { existsSync, readdirSync } from "node:fs";
import { blockFor, run } from "./command.js";

const namespaceFolder = "/run/netns";
const ownName = /^gz-(\d+)-/;
const killAttempts = 50;

/** Signals a process that may have ended meanwhile. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

/**
 * The words that run a command inside a namespace. nsenter and not `ip netns exec`: that one remounts file
 * systems, which a root directory that is no mount point (a chroot) refuses.
 */
export function inside(name: string, ...command: string[]): [string, string[]] {
  return ["nsenter", [`--net=${namespaceFolder}/${name}`, "--", ...command]];
}

/** Runs a command inside a namespace to its end; answers what it printed. */
export function runInside(name: string, ...command: string[]): Buffer {
  return run(...inside(name, ...command));
}

/** The processes whose network namespace is `name`. */
export function processesIn(name: string): number[] {
  const output = run("ip", ["netns", "pids", name]).toString();
  return output.split("\n").filter(Boolean).map(Number);
}

/**
 * Removes a namespace and whatever still runs in it (daemons leave the process that started them, but not
 * their namespace). Everything in a namespace of ours was started by us.
 */
export function removeNamespace(name: string): void {
  if (!existsSync(`${namespaceFolder}/${name}`)) {
    return;
  }
  for (let attempt = 0; attempt < killAttempts; attempt++) {
    const left = processesIn(name).filter((pid) => pid !== process.pid);
    if (left.length === 0) {
      break;
    }
    for (const pid of left) {
      signalIfThere(pid, "SIGKILL");
    }
    blockFor(20);
  }
  run("ip", ["netns", "delete", name]);
}

/** Makes an empty namespace: loopback up, and no IPv6, whose announcements would disturb the counters. */
export function createNamespace(name: string): void {
  run("ip", ["netns", "add", name]);
  runInside(name, "ip", "link", "set", "lo", "up");
  setSysctls(name, {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
  });
}

/** Whether a namespace has a network device of this name that is up. */
export function isDeviceUp(name: string, device: string): boolean {
  const links = JSON.parse(runInside(name, "ip", "-json", "link", "show").toString());
  const found = (links as { ifname: string; flags: string[] }[]).find((link) => link.ifname === device);
  return found?.flags.includes("UP") ?? false;
}

/** Sets kernel parameters inside a namespace. */
export function setSysctls(name: string, values: Readonly<Record<string, string>>): void {
  const assignments = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  if (assignments.length > 0) {
    runInside(name, "sysctl", "-q", "-w", ...assignments);
  }
}

/** Removes namespaces left behind by runs that were killed with SIGKILL: their name holds the run's pid. */
export function removeStaleNamespaces(): string[] {
  if (!existsSync(namespaceFolder)) {
    return [];
  }
  const stale = readdirSync(namespaceFolder).filter((name) => {
    const pid = ownName.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  for (const name of stale) {
    removeNamespace(name);
  }
  return stale;
}

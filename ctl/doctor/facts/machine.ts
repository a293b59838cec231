/** The machine, and the user who asks: from /proc and /sys. */
import { existsSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { findInstalled } from "../../installation.js";
import { networkManagerAdvice } from "../../network-manager.js";
import { names, output, text } from "./command.js";
import type { Configuration, HugePages, Limits, Machine, PciDevice } from "./facts.js";

const HUGE_PAGES = "/sys/kernel/mm/hugepages";
const NODES = "/sys/devices/system/node";
const PCI = "/sys/bus/pci/devices";
const FILTERS = "/proc/sys/net/ipv4/conf";

/** A limit of a process in its own unit, as /proc/PID/limits has it: soft, or hard. */
function limit(table: string, name: string, column: 1 | 2): number {
  const value = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, "m").exec(table)?.[column];
  return value === undefined || value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
}

/** The limits of a process; all unlimited when they cannot be read. */
export function limitsOf(pid: number | "self"): Limits {
  const table = text(`/proc/${pid}/limits`);
  return {
    addressSpace: limit(table, "Max address space", 1),
    lockedMemory: limit(table, "Max locked memory", 1),
    openFiles: limit(table, "Max open files", 1),
    openFilesHard: limit(table, "Max open files", 2),
  };
}

function readHugePages(): HugePages[] {
  return names(HUGE_PAGES).map((name) => ({
    kibibytes: Number(/hugepages-(\d+)kB/.exec(name)?.[1] ?? 0),
    total: Number(text(join(HUGE_PAGES, name, "nr_hugepages"))),
    free: Number(text(join(HUGE_PAGES, name, "free_hugepages"))),
  }));
}

/** Numbers of a list of the kernel such as "0-3,8". */
export function numberList(list: string): number[] {
  const parts = list.trim() === "" ? [] : list.trim().split(",");
  return parts.flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function readNodes(): Map<number, number[]> {
  const folders = names(NODES).filter((name) => /^node\d+$/.test(name));
  return new Map(
    folders.map((name) => [Number(name.slice(4)), numberList(text(join(NODES, name, "cpulist")))]),
  );
}

/** PCI addresses in arguments for the EAL: -a ADDRESS[,...], --allow=ADDRESS. */
export function pciAddresses(ealArguments: readonly string[]): string[] {
  const pattern = /^(?:-a|--allow=?)?((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?:,.*)?$/i;
  return ealArguments.flatMap((argument, i) => {
    const isNamed = /^(-a.|--allow=)/.test(argument) || /^(-a|--allow)$/.test(ealArguments[i - 1] ?? "");
    const address = isNamed ? pattern.exec(argument)?.[1]?.toLowerCase() : undefined;
    if (address === undefined) return [];
    return [address.length === 7 ? `0000:${address}` : address];
  });
}

function driverOf(folder: string): string | null {
  try {
    return basename(readlinkSync(join(folder, "driver")));
  } catch {
    return null;
  }
}

function readPciDevice(address: string): PciDevice {
  const folder = join(PCI, address);
  return {
    address,
    isThere: existsSync(folder),
    vendor: text(join(folder, "vendor")).trim(),
    driver: driverOf(folder),
    numaNode: Number(text(join(folder, "numa_node")) || -1),
    hasIommuGroup: existsSync(join(folder, "iommu_group")),
  };
}

/** Shared objects that one needs and that the dynamic linker does not find; null: it is not there itself. */
function missingObjects(name: string): string[] | null {
  const path = findInstalled(name);
  if (path === null) return null;
  const list = output("ldd", path) ?? "";
  return [...list.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1] ?? "");
}

/** Names of the devices that configurations would make for the kernel. */
function kernelDevices(configurations: readonly Configuration[]): string[] {
  return configurations.flatMap(({ values }) =>
    values?.hasKernelDevice === true ? [values.kernelDevice] : [],
  );
}

/** Reads the machine, and what configurations name on it. */
export function readMachine(configurations: readonly Configuration[]): Machine {
  const status = text("/proc/self/status");
  const eal = configurations.flatMap(({ values }) => values?.ealArguments ?? []);
  const advice = kernelDevices(configurations).map((name) => [name, networkManagerAdvice(name)] as const);
  return {
    uid: process.geteuid?.() ?? 0,
    capabilities: BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`),
    limits: limitsOf("self"),
    hugePages: readHugePages(),
    numaNodes: readNodes(),
    pciDevices: pciAddresses(eal).map(readPciDevice),
    hasIommu: names("/sys/kernel/iommu_groups").length > 0,
    isUnsafeNoIommu: text("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode").trim() === "Y",
    hasTun: existsSync("/dev/net/tun"),
    reversePathFilter: new Map(
      names(FILTERS).map((name) => [name, Number(text(join(FILTERS, name, "rp_filter")))]),
    ),
    networkManager: new Map(advice.flatMap(([name, said]) => (said === null ? [] : [[name, said]]))),
    dpdkLacks: missingObjects("liblstack-dpdk.so"),
  };
}

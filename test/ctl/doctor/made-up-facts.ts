/** A machine that never was, on which everything is right. */
import type {
  Configuration,
  Facts,
  Link,
  LstackConfiguration,
  LtranConfiguration,
  PciDevice,
  Program,
  Sample,
} from "../../../ctl/doctor/facts/facts.js";
import type { LtranReport } from "../../../ltran/daemon/report.js";

const nothing = { packets: 1_000_000, errors: 0, dropped: 0, missed: 0 };

/** A NIC of the kernel; tests change what they are about. */
export function link(changes: Partial<Link> = {}): Link {
  return {
    name: "eth1",
    index: 3,
    mac: "02:00:00:00:00:01",
    mtu: 1_500,
    isUp: true,
    hasCarrier: true,
    kind: "",
    addresses: [],
    received: nothing,
    sent: nothing,
    xdpProgram: 0,
    numaNode: -1,
    offloads: new Map(),
    peer: null,
    bridged: [],
    ...changes,
  };
}

/** An lstack.conf for that NIC. */
export function lstackFile(
  changes: Partial<NonNullable<LstackConfiguration["values"]>> = {},
  path = "lstack.conf",
): Configuration {
  return {
    kind: "lstack",
    path,
    messages: [],
    values: {
      address: "192.168.1.10",
      port: "packet",
      mac: "",
      device: "eth1",
      mtu: 0,
      unixPrefix: "",
      hasKernelDevice: false,
      kernelDevice: "kni",
      cpus: [],
      memoryMebibytes: 256,
      wantsHugePages: false,
      ealArguments: [],
      ...changes,
    },
  };
}

/** The same over DPDK, with a NIC or an interface of the kernel. */
export function dpdkFile(ealArguments: string[], changes: object = {}): Configuration {
  return lstackFile({ port: "dpdk", device: "", ealArguments, ...changes });
}

/** An ltran.conf for that NIC. */
export function ltranFile(changes: Partial<NonNullable<LtranConfiguration["values"]>> = {}): Configuration {
  return {
    kind: "ltran",
    path: "ltran.conf",
    messages: [],
    values: {
      port: "packet",
      devices: ["eth1"],
      macs: ["02:00:00:00:00:01"],
      mtu: 1_500,
      unixPrefix: "",
      hasKernelDevice: false,
      kernelDevice: "kni",
      forwardCpu: -1,
      memoryMebibytes: 64,
      wantsHugePages: false,
      ealArguments: [],
      ...changes,
    },
  };
}

/** A NIC on the PCI bus, bound to vfio-pci. */
export function pci(changes: Partial<PciDevice> = {}): PciDevice {
  return {
    address: "0000:01:00.0",
    isThere: true,
    vendor: "0x8086",
    driver: "vfio-pci",
    numaNode: 0,
    hasIommuGroup: true,
    ...changes,
  };
}

/** What a stack has counted. */
export function sample(changes: Partial<Sample> = {}): Sample {
  return {
    counters: { txFrames: 10_000, tcpSegmentsIn: 10_000, tcpSegmentsOut: 10_000, tcpBytesIn: 5_000_000 },
    drops: {},
    resets: {},
    fallbacks: {},
    pools: { buffer: { capacity: 100_000, used: 500, peak: 900, exhausted: 0 } },
    refused: 0,
    ...changes,
  };
}

/** A program that has a stack, and counted `now`. */
export function program(now: Partial<Sample> = {}, changes: Partial<Program> = {}): Program {
  const counters = { ...sample().counters, socketBytesIn: 5_000_000 };
  return {
    pid: 1_234,
    name: "redis-server",
    socket: "/var/run/gazelle/1234.sock",
    prefix: "",
    state: "answers",
    remark: "",
    isPoisoned: false,
    address: "192.168.1.10",
    mac: "02:00:00:00:00:01",
    mtu: 1_500,
    port: "packet",
    device: "eth1",
    first: sample({ counters }),
    second: sample({ ...now, counters: { ...counters, ...now.counters } }),
    openFiles: 20,
    openFilesLimit: 1_024,
    isReplaced: false,
    ...changes,
  };
}

/** What an ltran says. */
export function report(changes: Partial<LtranReport> = {}): LtranReport {
  const mac = "02:00:00:00:00:01";
  const link = { device: "eth1", mac, isUp: true, isActive: true };
  const nic = { ...link, mtu: 1_500, skippedFrames: 0, refusedFrames: 0, counters: {}, bursts: [] };
  return {
    pid: 4_321,
    program: "ltran",
    uptimeMicroseconds: 1_000_000,
    busyMicroseconds: 0,
    mac,
    subnet: "192.168.1.0/24",
    subnet6: null,
    maxClients: 32,
    turnedAway: 0,
    nics: [nic],
    counters: {},
    drops: {},
    instances: [],
    ...changes,
  };
}

/** A machine with one NIC, four CPUs on two NUMA nodes, and nothing wrong. */
export function healthy(): Facts {
  return {
    machine: {
      uid: 0,
      capabilities: (1n << 41n) - 1n,
      limits: {
        addressSpace: Number.POSITIVE_INFINITY,
        lockedMemory: 8 << 20,
        openFiles: 1_024,
        openFilesHard: 1 << 20,
      },
      hugePages: [{ kibibytes: 2_048, total: 0, free: 0 }],
      numaNodes: new Map([
        [0, [0, 1]],
        [1, [2, 3]],
      ]),
      pciDevices: [],
      hasIommu: true,
      isUnsafeNoIommu: false,
      hasTun: true,
      reversePathFilter: new Map([
        ["all", 0],
        ["default", 0],
      ]),
      networkManager: new Map(),
      dpdkLacks: [],
    },
    links: [
      link({ name: "lo", index: 1, mac: "00:00:00:00:00:00", mtu: 65_536, addresses: ["127.0.0.1"] }),
      link(),
    ],
    configurations: [lstackFile()],
    programs: [],
    bystanders: [],
    matchedNames: [],
    services: [{ unit: "redis.service", wanted: "redis-server", names: ["redis-server", "redis-check-rdb"] }],
    ltrans: [],
    remains: { tables: [], rules: [], files: [], xdpPrograms: [] },
    unseen: [],
  };
}

/** Everything that the checks look at. Gathered once; null or empty: there is none, or it cannot be seen. */
import type { LtranReport } from "../../../ltran/daemon/report.js";

/** Huge pages of one size. */
export interface HugePages {
  kibibytes: number;
  total: number;
  free: number;
}

/** The limits of a process, in their own units; Infinity: unlimited. */
export interface Limits {
  addressSpace: number;
  lockedMemory: number;
  openFiles: number;
  openFilesHard: number;
}

/** A NIC on the PCI bus that a configuration names. */
export interface PciDevice {
  address: string;
  isThere: boolean;
  /** Number of its vendor, as /sys has it: 0x8086. */
  vendor: string;
  /** Name of its driver; null: none. */
  driver: string | null;
  /** -1: the machine does not say. */
  numaNode: number;
  hasIommuGroup: boolean;
}

/** The machine, and the user who asks. */
export interface Machine {
  uid: number;
  /** Bits of CapEff. */
  capabilities: bigint;
  limits: Limits;
  hugePages: HugePages[];
  /** CPUs of each NUMA node. */
  numaNodes: Map<number, number[]>;
  pciDevices: PciDevice[];
  /** There is at least one group of the IOMMU. */
  hasIommu: boolean;
  /** enable_unsafe_noiommu_mode of the module vfio. */
  isUnsafeNoIommu: boolean;
  hasTun: boolean;
  /** rp_filter of all, default and each interface. */
  reversePathFilter: Map<string, number>;
  /** What NetworkManager would do to devices that we make: advice by name of the device. */
  networkManager: Map<string, string>;
  /** Shared objects that liblstack-dpdk.so needs and that are not there; null: it is not there itself. */
  dpdkLacks: string[] | null;
}

/** Frames of one direction, as the kernel counts them. */
export interface Direction {
  packets: number;
  errors: number;
  dropped: number;
  /** Missed by the device for lack of room, included in dropped by some drivers. */
  missed: number;
}

/** The other end of a device, or a port of its bridge. */
export interface Neighbour {
  name: string;
  /** Network namespace that it is in; empty: this one. */
  namespace: string;
  mtu: number;
  isUp: boolean;
}

/** A network device of the kernel. */
export interface Link {
  name: string;
  index: number;
  mac: string;
  mtu: number;
  isUp: boolean;
  hasCarrier: boolean;
  /** veth, bridge, tun; empty: a device of its own. */
  kind: string;
  /** IPv4 and IPv6 addresses of the kernel on it. */
  addresses: string[];
  received: Direction;
  sent: Direction;
  /** Number of its XDP program; 0: none. */
  xdpProgram: number;
  numaNode: number;
  /** Offloads by ethtool's name; empty: unknown. */
  offloads: Map<string, boolean>;
  /** The other end of a veth. */
  peer: (Neighbour & { offloads: Map<string, boolean> }) | null;
  /** Ports of the bridge that it is, or that its other end is in. */
  bridged: Neighbour[];
}

/** A message of the configuration's checker. */
export interface Message {
  /** FILE:LINE: KEY = VALUE: reason. */
  text: string;
  isWarning: boolean;
}

/** What the kinds of configuration have in common. */
interface ConfigurationBase {
  path: string;
  messages: Message[];
}

/** lstack.conf. */
export interface LstackConfiguration extends ConfigurationBase {
  kind: "lstack";
  /** Null: it has errors. */
  values: {
    address: string;
    port: "packet" | "dpdk" | "ltran";
    /** Lower case with colons; empty: not given. */
    mac: string;
    /** Name of an interface; empty: not given. */
    device: string;
    mtu: number;
    unixPrefix: string;
    hasKernelDevice: boolean;
    kernelDevice: string;
    cpus: number[];
    memoryMebibytes: number;
    wantsHugePages: boolean;
    ealArguments: string[];
  } | null;
}

/** ltran.conf. */
export interface LtranConfiguration extends ConfigurationBase {
  kind: "ltran";
  values: {
    port: "packet" | "dpdk";
    devices: string[];
    /** Of each bond. */
    macs: readonly string[];
    mtu: number;
    unixPrefix: string;
    hasKernelDevice: boolean;
    kernelDevice: string;
    forwardCpu: number;
    memoryMebibytes: number;
    wantsHugePages: boolean;
    ealArguments: string[];
  } | null;
}

export type Configuration = LstackConfiguration | LtranConfiguration;

/** The state of one pool. */
export interface PoolState {
  capacity: number;
  used: number;
  peak: number;
  exhausted: number;
}

/** What a stack has counted at one moment. */
export interface Sample {
  counters: Record<string, number>;
  drops: Record<string, number>;
  resets: Record<string, number>;
  fallbacks: Record<string, number>;
  pools: Record<string, PoolState>;
  /** Frames that the device refused. */
  refused: number;
}

/** A process that has a stack. */
export interface Program {
  pid: number;
  name: string;
  socket: string;
  /** unix_prefix. */
  prefix: string;
  /** silent: it does not answer; otherBuild: the running library is not the installed one. */
  state: "answers" | "stopped" | "silent" | "otherBuild";
  /** Why it is silent. */
  remark: string;
  isPoisoned: boolean;
  /** Without its prefix length. */
  address: string;
  mac: string;
  mtu: number;
  port: string;
  device: string;
  /** Two samples, half a second apart; null: it did not answer. */
  first: Sample | null;
  second: Sample | null;
  openFiles: number;
  openFilesLimit: number;
  /** Its library's file was replaced or removed since it started. */
  isReplaced: boolean;
}

/** A process that has liblstack.so preloaded and is not selected. */
export interface Bystander {
  pid: number;
  /** Names that GAZELLE_BIND_PROCNAME could have. */
  names: string[];
  /** GAZELLE_BIND_PROCNAME; null: not set. */
  wanted: string | null;
  /** It has sockets of the kernel for TCP or UDP. */
  hasSockets: boolean;
}

/** A service of systemd that preloads liblstack.so. */
export interface Service {
  unit: string;
  /** GAZELLE_BIND_PROCNAME; null: not set. */
  wanted: string | null;
  /** Names of the program that it starts. */
  names: string[];
}

/** An ltran that a configuration or a program names. */
export interface Ltran {
  prefix: string;
  socket: string;
  /** Null: it does not answer. */
  report: LtranReport | null;
}

/** A table of nf_tables that looks like ours. */
export interface FilterTable {
  name: string;
  /** It goes with the socket of its maker, so that this one lives. */
  isOwned: boolean;
}

/** A rule of `ip rule` that looks like ours. */
export interface RoutingRule {
  source: string;
  table: string;
  /** Its table has a route. */
  hasRoutes: boolean;
}

/** A file in a folder of control sockets that belongs to nobody. */
export interface Leftover {
  path: string;
  kind: "socket" | "momentary" | "mtu" | "marker";
}

/** What dead processes left. */
export interface Remains {
  tables: FilterTable[];
  rules: RoutingRule[];
  files: Leftover[];
  /** Numbers of XDP programs of ours that no process uses. */
  xdpPrograms: number[];
}

/** Everything. */
export interface Facts {
  machine: Machine;
  links: Link[];
  configurations: Configuration[];
  programs: Program[];
  bystanders: Bystander[];
  /** Values of GAZELLE_BIND_PROCNAME that select a running process. */
  matchedNames: string[];
  services: Service[];
  ltrans: Ltran[];
  remains: Remains;
  /** What could not be looked at, and why. */
  unseen: string[];
}

/** What the process ltran takes from ltran.conf. */
import type { AddressOwners, IdRange, LtranConfig } from "../../ctl/ltran-config.js";
import { macNumber } from "./addresses.js";

/** Bits of a mask of ports. */
const PORTS_MOST = 8;

/** What DPDK is to be told. */
export interface DpdkConfig {
  /** argv of its environment. */
  arguments: readonly string[];
  /** Packet buffers of a port; 0: as many as its receive queue needs. */
  receiveBuffers: number;
  transmitBuffers: number;
}

/** Devices that are one. */
export interface BondConfig {
  /** The hardware address of all. */
  mac: string;
  /**
   * Interfaces by name, none with DPDK, and for both their port numbers; with bond_mode 1 the first is
   * preferred.
   */
  devices: readonly string[];
  ports: readonly number[];
}

/** A checked configuration, as the daemon works with it; docs/configuration.md explains the options. */
export interface DaemonConfig {
  /** At least one; the first is that of clients that name none. */
  bonds: readonly BondConfig[];
  /** How devices of a bond are one: bond_mode. */
  bondMode: number;
  /** How devices of DPDK are reached; null: by the kernel. */
  dpdk: DpdkConfig | null;
  /** Milliseconds between two looks at the links. */
  miimon: number;
  mtu: number;
  receiveSlots: number;
  /** -1: any. */
  forwardCpu: number;
  isLowPower: boolean;
  maxClients: number;
  /** Network of all clients, and how many of its last bits tell hosts apart. */
  subnet: string;
  subnetHostBits: number;
  /** Network of all clients with IPv6, "2001:db8::/64"; null: there are none. */
  subnet6: string | null;
  allowUids: readonly IdRange[];
  allowGids: readonly IdRange[];
  /** VLANs that clients may be in, beside untagged frames. */
  allowVlans: readonly IdRange[];
  /** Who may take which address; empty: anybody any that is free. */
  addressUids: readonly AddressOwners[];
  /** Clients that talk to each other are introduced. */
  hasDirectRings: boolean;
  /** The address of each interface number that memif clients may have. */
  memifClients: ReadonlyMap<number, string>;
  /** Per process; 0: no limit. */
  rateLimit: { packets: number; megabits: number };
  memoryBytes: number;
  /** Seconds. */
  scanInterval: number;
  prefix: string;
  /** Name of the kernel's device; null: there is none. */
  kernelDevice: string | null;
}

const MIB = 2 ** 20;

/** A bond by its mask of ports, in ascending order. */
function bondConfig(mask: number, mac: string, config: LtranConfig): BondConfig {
  const all = Array.from({ length: PORTS_MOST }, (_, port) => port);
  const ports = all.filter((port) => (mask & (1 << port)) !== 0);
  return { mac, devices: ports.flatMap((port) => config.devices[port] ?? []), ports };
}

function dpdkConfig(config: LtranConfig): DpdkConfig | null {
  if (config.portKind !== "dpdk") return null;
  const { ealArgs, rxMbufPoolSize, txMbufPoolSize } = config;
  return { arguments: ealArgs, receiveBuffers: rxMbufPoolSize, transmitBuffers: txMbufPoolSize };
}

/** Takes the options over. */
export function daemonConfig(config: LtranConfig): DaemonConfig {
  return {
    bonds: config.bondMacs.map((mac, index) => bondConfig(config.bondPorts[index] ?? 0, mac, config)),
    bondMode: config.bondMode,
    dpdk: dpdkConfig(config),
    miimon: config.bondMiimon,
    mtu: config.bondMtu,
    receiveSlots: config.nicRxqueueSize,
    forwardCpu: config.forwardCpu,
    isLowPower: config.lowPowerMode,
    maxClients: config.dispatchMaxClients,
    subnet: config.dispatchSubnet,
    subnetHostBits: config.dispatchSubnetLength,
    subnet6: config.dispatchSubnet6 || null,
    allowUids: config.allowUids,
    allowGids: config.allowGids,
    allowVlans: config.allowVlans,
    addressUids: config.addressUids,
    // What goes past ltran, ltran cannot limit.
    hasDirectRings: config.directRings && config.rateLimitPps === 0 && config.rateLimitMbps === 0,
    memifClients: new Map(config.memifClients),
    rateLimit: { packets: config.rateLimitPps, megabits: config.rateLimitMbps },
    memoryBytes: config.memory * MIB,
    scanInterval: config.tcpConnScanInterval,
    prefix: config.unixPrefix,
    kernelDevice: config.kniSwitch ? config.kniDevice || "kni" : null,
  };
}

/** Whether others than root and ltran's own user may register. */
export function isShared(config: DaemonConfig): boolean {
  return config.allowUids.length + config.allowGids.length > 0;
}

/** The number of the bond that has a hardware address; -1: none has. */
export function bondByMac(config: DaemonConfig, mac: bigint): number {
  return config.bonds.findIndex((bond) => macNumber(bond.mac) === mac);
}

/** The hardware address of the first bond, that of clients that name none. */
export function firstMac(config: DaemonConfig): bigint {
  return macNumber(config.bonds[0]?.mac ?? "");
}

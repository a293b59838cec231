/** What the process ltran takes from ltran.conf. */
import type { IdRange, LtranConfig } from "../../ctl/ltran-config.js";

/** A checked configuration, as the daemon works with it; docs/configuration.md explains the options. */
export interface DaemonConfig {
  /**
   * Interfaces of which one at a time is in use, the preferred one first, and the hardware address of all.
   */
  bond: { mac: string; devices: readonly string[] };
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
  allowUids: readonly IdRange[];
  allowGids: readonly IdRange[];
  /** Per process; 0: no limit. */
  rateLimit: { packets: number; megabits: number };
  memoryBytes: number;
  /** Seconds. */
  scanInterval: number;
  prefix: string;
}

/** The devices of the bond in the order of their port numbers. */
function bondDevices(config: LtranConfig): string[] {
  const mask = config.bondPorts[0] ?? 0;
  return config.devices.filter((_, port) => (mask & (1 << port)) !== 0);
}

/** Takes the options over. @throws Error naming what this version cannot do. */
export function daemonConfig(config: LtranConfig): DaemonConfig {
  const [mac] = config.bondMacs;
  if (config.portKind !== "packet") {
    throw new Error(
      'ltran reaches devices of the kernel only so far; set forward_kit = "packet" and devices',
    );
  }
  if (mac === undefined || config.bondMacs.length > 1) {
    throw new Error("ltran serves one bond only so far; run one ltran for each, with another unix_prefix");
  }
  return {
    bond: { mac, devices: bondDevices(config) },
    miimon: config.bondMiimon,
    mtu: config.bondMtu,
    receiveSlots: config.nicRxqueueSize,
    forwardCpu: config.forwardCpu,
    isLowPower: config.lowPowerMode,
    maxClients: config.dispatchMaxClients,
    subnet: config.dispatchSubnet,
    subnetHostBits: config.dispatchSubnetLength,
    allowUids: config.allowUids,
    allowGids: config.allowGids,
    rateLimit: { packets: config.rateLimitPps, megabits: config.rateLimitMbps },
    memoryBytes: config.memory << 20,
    scanInterval: config.tcpConnScanInterval,
    prefix: config.unixPrefix,
  };
}

/** Whether others than root and ltran's own user may register. */
export function isShared(config: DaemonConfig): boolean {
  return config.allowUids.length + config.allowGids.length > 0;
}

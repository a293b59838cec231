/** Writes the `lstack.conf` of an accelerated program in a lab. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeDpdkFolderAtEnd } from "./dpdk-folder.js";
import type { Lab } from "./lab.js";
import { addresses } from "./lab.js";
import { preloadEnvironment } from "./repository.js";
import { tapDevice } from "./tap.js";
import { temporaryFolder } from "./temporary.js";

/** How the stack reaches the veth: an AF_PACKET ring of its own, one of DPDK's drivers, or through ltran. */
export type PortKind = "packet" | "dpdk" | "ltran";

/** DPDK's drivers that need no NIC of their own. */
export type DpdkDriver = "af_packet" | "af_xdp" | "tap";

const dpdkMegabytes = 128;

/** What a configuration file may vary. */
export interface ConfigurationOptions {
  port: PortKind;
  driver?: DpdkDriver;
  /** Further lines, for instance `low_power_mode=1`. */
  extraLines?: readonly string[];
}

/** `busy_budget=0`: the driver's own busy polling is slower here, and blocks. */
export const deviceArguments: Readonly<Record<DpdkDriver, (device: string) => string>> = {
  af_packet: (device) => `net_af_packet0,iface=${device},framecnt=4096,qdisc_bypass=1`,
  af_xdp: (device) => `net_af_xdp0,iface=${device},busy_budget=0`,
  tap: () => `net_tap0,iface=${tapDevice},mac=${addresses.serverMac}`,
};

function freeHugePageBytes(): number {
  const text = readFileSync("/proc/meminfo", "latin1");
  const pages = Number(/^HugePages_Free:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  const kilobytes = Number(/^Hugepagesize:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  return pages * kilobytes * 1_024;
}

/** Huge pages are used when enough are reserved; neither way leaves a file behind. */
export function memoryArguments(): string[] {
  const reserved = freeHugePageBytes() >= dpdkMegabytes << 20;
  const huge = ["--in-memory", "--iova-mode=va", "--single-file-segments"];
  return [...(reserved ? huge : ["--no-huge", "--no-shconf"]), "-m", String(dpdkMegabytes)];
}

function dpdkLines(device: string, driver: DpdkDriver): string[] {
  const vdev = deviceArguments[driver](device);
  const argumentList = [...memoryArguments(), "--no-pci", "--no-telemetry", "--vdev", vdev];
  return [`dpdk_args=[${argumentList.map((argument) => JSON.stringify(argument)).join(", ")}]`];
}

/** The text of a configuration for the server's end of a lab, in libconfig syntax. */
export function stackConfiguration(serverInterface: string, options: ConfigurationOptions): string {
  if (options.port === "dpdk") removeDpdkFolderAtEnd();
  const lines = [
    ...(options.port === "dpdk" ? dpdkLines(serverInterface, options.driver ?? "af_packet") : []),
    `use_ltran=${options.port === "ltran" ? 1 : 0}`,
    `host_addr="${addresses.server}"`,
    `mask_addr="${addresses.mask}"`,
    `gateway_addr="${addresses.client}"`,
    `devices="${addresses.serverMac}"`,
    ...(options.extraLines ?? []),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Writes the configuration of a lab and returns the environment that makes `processNames` use the stack. For
 * a lab whose server is the kernel that environment is empty.
 */
export function stackEnvironment(
  lab: Lab,
  processNames: readonly string[],
  options: ConfigurationOptions,
): Record<string, string> {
  if (lab.stack === "kernel") {
    return {};
  }
  const file = join(temporaryFolder(), `lstack-${lab.label}.conf`);
  writeFileSync(file, stackConfiguration(lab.serverInterface, options));
  return {
    ...preloadEnvironment(),
    GAZELLE_BIND_PROCNAME: processNames.join(","),
    LSTACK_CONF_PATH: file,
  };
}

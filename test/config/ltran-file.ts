// Files of ltran.conf made by tests.
import { checkText, type Verdict } from "./checker.js";

/** The smallest right ltran.conf, one option a line. */
export const LTRAN: Readonly<Record<string, string>> = {
  devices: '"eth1"',
  bond_ports: '"0x1"',
  bond_macs: '"02:00:00:00:00:01"',
  dispatch_subnet: '"192.168.1.0"',
  dispatch_subnet_length: "8",
};

const ORIGINAL_ARGS =
  "-l 0,1 --socket-mem 1024,0,0,0 --huge-dir /dev/hugepages --proc-type primary " +
  "--legacy-mem --map-perfect --syslog daemon";

/** The example that the original documents, but for the place of the huge pages. */
export const ORIGINAL = `forward_kit="dpdk"
forward_kit_args="${ORIGINAL_ARGS}"

kni_switch=0

dispatch_max_clients=30
dispatch_subnet="192.168.1.0"
dispatch_subnet_length=8

bond_mode=1
bond_miimon=100
bond_ports="0x1"
bond_macs="aa:bb:cc:dd:ee:ff"
bond_mtu=1500

tcp_conn_scan_interval=10
`;

/** A file's text: the smallest one with other or further options; an empty value leaves one out. */
export function ltranConfiguration(options: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...LTRAN, ...options }).filter(([, value]) => value !== "");
  return lines.map(([key, value]) => `${key} = ${value}\n`).join("");
}

/** Checks the smallest file with other or further options. */
export function checkLtran(options: Readonly<Record<string, string>>, ...flags: string[]): Verdict {
  return checkText(ltranConfiguration(options), "--kind=ltran", ...flags);
}

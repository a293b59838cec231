// What the options of ltran.conf say together, and the values that follow from them.
import { isSamePrefix, parseIpv4, parseIpv6, showIpv4 } from "../address";
import { checkEalArgs } from "../eal-args";
import { report } from "../messages";
import { Option } from "../option";
import { checkEffects, checkOnline, checkRequired, complain, missing } from "../rules";
import {
  addressUids,
  allowVlans,
  bondMacs,
  bondPorts,
  devices,
  dispatchSubnet,
  dispatchSubnet6,
  dispatchSubnetLength,
  ealArgs,
  forwardCpu,
  forwardKit,
  forwardKitArgs,
  hugePages,
  ltran,
  memifClients,
  portKind,
  receiveBuffers,
  transmitBuffers,
} from "./options";

/** The last number that a VLAN may have (IEEE 802.1Q, table 9-2). */
const LAST_VLAN: i32 = 4094;

function checkVlans(): void {
  if (!allowVlans.sound) return;
  for (let i = 0; i < allowVlans.list.length; i++) {
    const ends = allowVlans.list[i].split("-");
    const first = I64.parseInt(ends[0]);
    if (first >= 1 && I64.parseInt(ends[1]) <= LAST_VLAN) continue;
    complain(allowVlans, `must be of numbers from 1 to ${LAST_VLAN}`);
    return;
  }
}

function checkSubnet(): void {
  if (!dispatchSubnet.sound || !dispatchSubnetLength.sound) return;
  const bits = <u32>dispatchSubnetLength.number;
  const address = <u32>dispatchSubnet.number;
  const network = (address >> bits) << bits;
  if (address == network) return;
  complain(dispatchSubnet, `must end in ${bits} zero bits (dispatch_subnet_length): "${showIpv4(network)}"`);
}

/** The network in which an IPv4 address lies not, though clients' addresses must; empty if it does. */
function missedNetwork4(address: string): string {
  if (!dispatchSubnet.sound || !dispatchSubnetLength.sound) return "";
  const bits = <u32>dispatchSubnetLength.number;
  const network = <u32>dispatchSubnet.number >> bits;
  if (<u32>parseIpv4(address) >> bits == network) return "";
  return `dispatch_subnet, ${showIpv4(network << bits)}/${32 - bits}`;
}

/** The same of an IPv6 address. */
function missedNetwork6(address: string): string {
  if (!dispatchSubnet6.given) return "dispatch_subnet6, which is not given";
  const bytes = new StaticArray<u8>(16);
  if (!dispatchSubnet6.sound || !parseIpv6(address, bytes)) return "";
  const isIn = isSamePrefix(bytes, dispatchSubnet6.bytes, <i32>dispatchSubnet6.number);
  return isIn ? "" : `dispatch_subnet6, ${dispatchSubnet6.text}`;
}

/** Whether all addresses of a list, before or behind the "=" of its entries, can be those of clients. */
function checkHosts(option: Option, side: i32): void {
  for (let i = 0; option.sound && i < option.list.length; i++) {
    const address = option.list[i].split("=")[side];
    const network = address.includes(":") ? missedNetwork6(address) : missedNetwork4(address);
    if (network.length == 0) continue;
    complain(option, `must name hosts of ${network}; ${address} is none`);
    return;
  }
}

/** Pools of packet buffers are DPDK's. */
function checkPool(option: Option): void {
  if (!option.sound || option.number == 0) return;
  const reason = "has no effect: devices are reached without DPDK";
  report(false, option.file, option.line, option.givenAs, option.shown, reason);
}

function checkKit(file: string, line: i32): void {
  const eal = checkEalArgs(forwardKitArgs, <i32>forwardCpu.number);
  const isDpdk = forwardKit.text == "dpdk" || (forwardKit.text == "auto" && !devices.given);
  hugePages.number = eal.isHuge ? 1 : 0;
  portKind.number = isDpdk ? 1 : 0;
  portKind.text = portKind.choices[isDpdk ? 1 : 0];
  if (isDpdk) {
    ealArgs.list = eal.args;
    if (devices.given) {
      complain(devices, 'must be left out with forward_kit "dpdk", whose devices forward_kit_args names');
    }
    return;
  }
  if (!devices.given) missing(devices, file, line);
  checkPool(receiveBuffers);
  checkPool(transmitBuffers);
  if (!forwardKitArgs.sound || forwardKitArgs.list.length == 0) return;
  const reason = "has no effect: devices are reached without DPDK";
  if (eal.namesDevice) complain(forwardKitArgs, "must name no device with forward_kit packet");
  else
    report(false, forwardKitArgs.file, forwardKitArgs.line, "forward_kit_args", forwardKitArgs.shown, reason);
}

/** Numbers of the ports in a mask or two, as a text: "0,2". */
function showPorts(mask: i32): string {
  let text = "";
  for (let i = 0; i < 8; i++) {
    if ((mask & (1 << i)) != 0) text += text.length > 0 ? `,${i}` : `${i}`;
  }
  return text;
}

function checkBonds(): void {
  if (!bondPorts.sound) return;
  let all = 0;
  for (let i = 0; i < bondPorts.list.length; i++) {
    const mask = I32.parseInt(bondPorts.list[i]);
    if ((all & mask) != 0) {
      complain(bondPorts, `must name every port once; ${showPorts(all & mask)} is in two bonds`);
      return;
    }
    all |= mask;
  }
  if (bondMacs.sound && bondMacs.list.length != bondPorts.list.length) {
    complain(
      bondMacs,
      `must be as many addresses as bond_ports has masks, which are ${bondPorts.list.length}`,
    );
  }
  if (!devices.sound) return;
  const known = (1 << devices.list.length) - 1;
  if ((all & ~known) != 0) {
    const stray = showPorts(all & ~known);
    complain(bondPorts, `must name ports of devices, which are ${showPorts(known)}; ${stray} is none`);
  } else if (all != known) {
    const reason = `leaves out ${showPorts(known & ~all)} of devices, which will not be used`;
    report(false, bondPorts.file, bondPorts.line, bondPorts.givenAs, bondPorts.shown, reason);
  }
}

/** The last part of a reading: the file and its last line stand for what is not in it. */
export function applyLtranRules(file: string, line: i32): void {
  checkRequired(ltran, file, line);
  checkSubnet();
  checkVlans();
  checkHosts(addressUids, 0);
  checkHosts(memifClients, 1);
  checkBonds();
  if (forwardCpu.number >= 0) checkOnline(forwardCpu, [<i32>forwardCpu.number]);
  checkKit(file, line);
  checkEffects(ltran);
}

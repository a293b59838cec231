// What the options of lstack.conf say together, and the values that follow from them.
import { maskLength, showIpv4 } from "../address";
import { parseMac } from "../device";
import { checkEalArgs } from "../eal-args";
import { lacking } from "../machine";
import { report } from "../messages";
import { parseNumberList } from "../number-list";
import { checkEffects, checkOnline, checkRequired, complain, missing } from "../rules";
import {
  cpus,
  deviceMac,
  deviceName,
  devices,
  dpdkArgs,
  ealArgs,
  gatewayAddr,
  hostAddr,
  hugePages,
  lstack,
  MOST_MEMORY,
  MOST_STACKS,
  maskAddr,
  mbufCountPerConn,
  memory,
  memorySize,
  nicVlanMode,
  numCpus,
  numProcess,
  port,
  portKind,
  prefixLength,
  processIdx,
  receiveSlots,
  stackNum,
  stacks,
  tcpConnCount,
  useLtran,
} from "./options";
import { placeThreads } from "./placement";
import { largestRegion } from "./receive-ring";

/** Memory of one packet buffer. */
const BUFFER_BYTES: f64 = 2048;
/** Memory of one connection beside its packet buffers, generously. */
const CONNECTION_BYTES: f64 = 4096;
const MEBIBYTE: f64 = 1048576;
/** Place of "ltran" among the kinds of port. */
const PORT_LTRAN: i32 = 2;
const LEAST_DERIVED_MEMORY: f64 = 256;

function checkNetwork(): void {
  if (!hostAddr.sound || !maskAddr.sound) return;
  const host = <u32>hostAddr.number;
  const mask = <u32>maskAddr.number;
  const length = maskLength(mask);
  prefixLength.number = length;
  if (length < 31) {
    const rest = host & ~mask;
    if (rest == 0) complain(hostAddr, `must not be the address of its network ${showIpv4(host)}/${length}`);
    if (rest == ~mask)
      complain(hostAddr, `must not be the broadcast address of ${showIpv4(host & mask)}/${length}`);
  }
  const gateway = <u32>gatewayAddr.number;
  if (gateway == 0) return;
  if (gateway == host) complain(gatewayAddr, "must be another address than host_addr");
  // With a mask of 32 bits nothing is in the own network, and the gateway is reached directly.
  else if (length < 32 && (gateway & mask) != (host & mask)) {
    complain(gatewayAddr, `must be in the network of host_addr, ${showIpv4(host & mask)}/${length}`);
  } else if (length < 31 && ((gateway & ~mask) == 0 || (gateway & ~mask) == ~mask)) {
    complain(gatewayAddr, `must be a host in the network of host_addr, ${showIpv4(host & mask)}/${length}`);
  }
}

function checkCpus(): void {
  const numbers = parseNumberList(numCpus.text, <i32>numCpus.most + 1);
  stacks.number = Math.max(1, stackNum.number);
  if (numbers === null) return;
  if (numbers.length > <i32>MOST_STACKS) {
    complain(numCpus, `must name at most ${<i64>MOST_STACKS} CPUs`);
    return;
  }
  if (numbers.length > 0 && stackNum.number > 0 && stackNum.number != numbers.length) {
    complain(stackNum, `must be 0 or ${numbers.length}, as many stacks as num_cpus has CPUs`);
  }
  if (numbers.length > 0) stacks.number = numbers.length;
  const list: string[] = [];
  for (let i = 0; i < numbers.length; i++) list.push(`${numbers[i]}`);
  cpus.list = list;
  checkOnline(numCpus, numbers);
}

/** With ltran the device, and how frames reach it, are ltran's business. */
function checkLtran(): void {
  portKind.number = PORT_LTRAN;
  portKind.text = portKind.choices[PORT_LTRAN];
  if (port.text != "auto") complain(port, 'must be "auto", because use_ltran = 1 leaves the device to ltran');
  if (dpdkArgs.sound) {
    const reason = "has no effect: with use_ltran = 1 the device is ltran's";
    report(false, dpdkArgs.file, dpdkArgs.line, "dpdk_args", dpdkArgs.shown, reason);
  }
  const mac = new StaticArray<u8>(16);
  if (parseMac(devices.text, mac)) {
    deviceMac.bytes = mac;
    deviceMac.text = devices.text;
  } else if (devices.sound) {
    const reason =
      "has no effect: with use_ltran = 1 the device is ltran's, and only its MAC address is checked";
    report(false, devices.file, devices.line, devices.givenAs, devices.shown, reason);
  }
}

function checkPort(file: string, line: i32): void {
  if (useLtran.number == 1) {
    checkLtran();
    return;
  }
  if (nicVlanMode.number > 0) {
    const remedy = "only ltran tags frames; use an interface of the kernel such as eth0.7 with port packet";
    lacking(nicVlanMode, "", `must be -1: ${remedy}`);
  }
  const cpu = cpus.list.length == 1 ? <i32>parseInt(cpus.list[0], 10) : -1;
  const eal = checkEalArgs(dpdkArgs, cpu, <i32>stacks.number);
  const namesDevice = eal.namesDevice;
  const isDpdk = port.text == "dpdk" || (port.text == "auto" && namesDevice);
  hugePages.number = eal.isHuge ? 1 : 0;
  if (isDpdk) ealArgs.list = eal.args;
  portKind.number = isDpdk ? 1 : 0;
  portKind.text = portKind.choices[isDpdk ? 1 : 0];
  if (!isDpdk) {
    if (namesDevice) complain(port, 'must be "dpdk" or "auto", because dpdk_args names a device');
    else if (dpdkArgs.sound) {
      const reason =
        "has no effect beyond the choice of huge pages: " +
        'it names no device, and so devices is reached with port "packet"';
      report(false, dpdkArgs.file, dpdkArgs.line, "dpdk_args", dpdkArgs.shown, reason);
    }
    if (!devices.given) missing(devices, file, line);
  }
  const mac = new StaticArray<u8>(16);
  if (parseMac(devices.text, mac)) deviceMac.bytes = mac;
  else deviceName.text = devices.text;
  deviceMac.text = deviceName.text.length == 0 ? devices.text : "";
}

function deriveMemory(): void {
  const most = portKind.number == 0 ? largestRegion(receiveSlots.number) : MOST_MEMORY;
  if (memory.number != 0) {
    memorySize.number = memory.number;
    if (memory.sound && memory.number > most) {
      const reason = `because nic_rxqueue_size is ${<i64>receiveSlots.number}`;
      complain(memory, `must be 0 or an integer from 32 to ${<i64>most}, ${reason}`);
    }
    return;
  }
  const perConnection = mbufCountPerConn.number * BUFFER_BYTES + CONNECTION_BYTES;
  const size = Math.ceil((tcpConnCount.number * perConnection) / MEBIBYTE);
  memorySize.number = Math.min(Math.max(size, LEAST_DERIVED_MEMORY), most);
}

function checkProcesses(): void {
  if (processIdx.sound && processIdx.number >= numProcess.number) {
    complain(processIdx, `must be less than num_process, which is ${<i64>numProcess.number}`);
  }
}

/** The last part of a reading: the file and its last line stand for what is not in it. */
export function applyLstackRules(file: string, line: i32): void {
  checkRequired(lstack, file, line);
  checkNetwork();
  checkCpus();
  placeThreads();
  checkPort(file, line);
  checkProcesses();
  checkEffects(lstack);
  deriveMemory();
}

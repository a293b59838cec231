// What options say together, and the values that follow from them.
import { maskLength, showIpv4 } from "./address";
import { parseMac } from "./device";
import { applyDpdkArgs } from "./dpdk-args";
import { cpus, lacking } from "./machine";
import { report } from "./messages";
import { parseNumberList } from "./number-list";
import { Effect, Kind, Option } from "./option";
import {
  all,
  bondMode,
  cpu,
  deviceMac,
  deviceName,
  devices,
  dpdkArgs,
  ealArgs,
  gatewayAddr,
  hostAddr,
  MOST_MEMORY,
  maskAddr,
  mbufCountPerConn,
  memory,
  memorySize,
  numCpus,
  numProcess,
  port,
  portKind,
  prefixLength,
  processIdx,
  receiveSlots,
  stackNum,
  tcpConnCount,
} from "./options";
import { largestRegion } from "./receive-ring";

/** Memory of one packet buffer. */
const BUFFER_BYTES: f64 = 2048;
/** Memory of one connection beside its packet buffers, generously. */
const CONNECTION_BYTES: f64 = 4096;
const MEBIBYTE: f64 = 1048576;
const LEAST_DERIVED_MEMORY: f64 = 256;

function complain(option: Option, reason: string): void {
  report(true, option.file, option.line, option.givenAs, option.shown, reason);
}

function missing(option: Option, file: string, line: i32): void {
  report(true, file, line, option.key, "(not given)", `must be ${option.legal}`);
}

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

/** Numbers in order as a short text: "0-3,8". */
function showCpus(): string {
  let text = "";
  for (let i = 0; i < cpus.length; i++) {
    const first = i;
    while (i + 1 < cpus.length && cpus[i + 1] == cpus[i] + 1) i++;
    if (text.length > 0) text += ",";
    text += i > first ? `${cpus[first]}-${cpus[i]}` : `${cpus[first]}`;
  }
  return text;
}

function checkCpus(): void {
  const numbers = parseNumberList(numCpus.text, <i32>numCpus.most + 1);
  if (numbers === null) return;
  if (numbers.length == 1) cpu.number = numbers[0];
  if (numbers.length > 1) {
    lacking(numCpus, "", 'must be one CPU, such as "0", because a process has one stack so far');
  }
  for (let i = 0; i < numbers.length; i++) {
    if (cpus.length > 0 && !cpus.includes(numbers[i])) {
      lacking(
        numCpus,
        "",
        `must be CPUs of this machine, which are ${showCpus()}; it has no CPU ${numbers[i]}`,
      );
      return;
    }
  }
}

function checkPort(file: string, line: i32): void {
  const namesDevice = applyDpdkArgs();
  const isDpdk = port.text == "dpdk" || (port.text == "auto" && namesDevice);
  portKind.number = isDpdk ? 1 : 0;
  portKind.text = portKind.choices[isDpdk ? 1 : 0];
  if (!isDpdk) {
    ealArgs.list = [];
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
  const mode = bondMode.number;
  if (bondMode.sound && mode != -1 && mode != 1 && mode != 4 && mode != 6)
    complain(bondMode, "must be -1, 1, 4 or 6");
}

/** Says which options given have no effect, and which ones this version cannot carry out. */
function checkEffects(): void {
  for (let i = 0; i < all.length; i++) {
    const option = all[i];
    if (!option.sound || option.effect == Effect.Full || option.isNeutral) continue;
    if (option === stackNum && option.number == 1) continue;
    if (option.effect == Effect.NoneYet) {
      report(
        false,
        option.file,
        option.line,
        option.givenAs,
        option.shown,
        `has no effect: ${option.limitation}`,
      );
    } else {
      const neutral =
        option.kind == Kind.Choice ? option.choices[<i32>option.neutral] : `${<i64>option.neutral}`;
      lacking(option, "", `must be ${neutral}: ${option.limitation}`);
    }
  }
}

/** The last part of a reading: the file and its last line stand for what is not in it. */
export function applyRules(file: string, line: i32): void {
  for (let i = 0; i < all.length; i++) {
    if (all[i].required && !all[i].given) missing(all[i], file, line);
  }
  checkNetwork();
  checkCpus();
  checkPort(file, line);
  checkProcesses();
  checkEffects();
  deriveMemory();
}

// Turns what dpdk_args or forward_kit_args says into the arguments that the EAL of DPDK gets.
import { withQueues } from "./device-queues";
import { EalOption, ealOptions, Treatment } from "./eal-options";
import { cpus, lacking, machine } from "./machine";
import { report } from "./messages";
import { nearest } from "./nearest";
import { sumOfList } from "./number-list";
import { Option } from "./option";
import { decimal, hexadecimal } from "./text";

/**
 * Memory without huge pages, in MiB: headers of packet buffers and rings; packet data has a memory of its
 * own.
 */
const PLAIN_MEBIBYTES: i32 = 256;
/** What the packet buffers of one queue take of it at most, in MiB. */
const QUEUE_MEBIBYTES: i32 = 48;

/** What the arguments said so far. */
class Arguments {
  constructor(
    /** The option that holds them. */
    public readonly option: Option,
    /** How many queues a device must have. */
    public readonly queues: i32,
  ) {}

  passed: string[] = [];
  namesDevice: bool = false;
  iovaMode: bool = false;
  /** The argument that asked for huge pages. */
  huge: string = "";
  plain: bool = false;
  /** -m or --socket-mem and its value. */
  memory: string[] = [];
  mebibytes: i64 = 0;
}

function complain(result: Arguments, shown: string, reason: string): void {
  const option = result.option;
  report(true, option.file, option.line, option.givenAs, `"${shown}"`, reason);
}

function warn(result: Arguments, shown: string, reason: string): void {
  const option = result.option;
  report(false, option.file, option.line, option.givenAs, `"${shown}"`, reason);
}

function find(name: string): EalOption | null {
  for (let i = 0; i < ealOptions.length; i++) {
    if (ealOptions[i].name == name) return ealOptions[i];
  }
  return null;
}

/** Name part of an argument: "--vdev" of "--vdev=net_tap0", "-l" of "-l2". */
function nameOf(argument: string): string {
  if (!argument.startsWith("--")) return argument.substring(0, 2);
  const equals = argument.indexOf("=");
  return equals < 0 ? argument : argument.substring(0, equals);
}

/** Value written into the same string, if there is one. */
function attachedValue(argument: string, name: string): string {
  if (argument.length == name.length) return "";
  return argument.substring(name.length + (name.startsWith("--") ? 1 : 0));
}

function unknown(result: Arguments, argument: string, name: string): void {
  if (!argument.startsWith("-")) {
    complain(result, argument, "must follow an argument that takes a value");
    return;
  }
  const names: string[] = [];
  for (let i = 0; i < ealOptions.length; i++) names.push(ealOptions[i].name);
  const near = name.startsWith("--") && name.length > 3 ? nearest(name, names) : "";
  const hint = near.length > 0 ? `; did you mean ${near}?` : "";
  complain(result, argument, `must be an argument of DPDK's EAL${hint}`);
}

function pass(result: Arguments, option: EalOption, value: string): void {
  result.passed.push(option.name);
  if (option.takesValue) result.passed.push(value);
}

/** Two amounts of memory do not add up: the EAL refuses them. */
function setMemory(result: Arguments, shown: string, option: EalOption, value: string, mebibytes: i64): void {
  if (mebibytes < 0) {
    const form = option.treatment == Treatment.Memory ? "an integer" : 'integers such as "1024" or "1024,0"';
    complain(result, shown, `must be ${form}: MiB of memory`);
    return;
  }
  if (result.memory.length > 0) {
    complain(result, shown, `must not be given together with ${result.memory[0]}`);
    return;
  }
  result.memory.push(option.name);
  result.memory.push(value);
  result.mebibytes = mebibytes;
}

/** An argument whose value matters here. */
function applyWithValue(result: Arguments, option: EalOption, value: string, shown: string): void {
  switch (option.treatment) {
    case Treatment.Memory:
      setMemory(result, shown, option, value, decimal(value));
      return;
    case Treatment.SocketMemory: {
      const sum = sumOfList(value);
      setMemory(result, shown, option, value, sum);
      if (sum > 0) result.huge = shown;
      return;
    }
    case Treatment.ProcessType:
      if (value == "auto") warn(result, shown, `is taken out: ${option.note}`);
      else if (value != "primary") complain(result, shown, `must be "primary": ${option.note}`);
      return;
    case Treatment.Address:
      if (!value.startsWith("0x") || !isHexadecimal(value.substring(2))) {
        complain(result, shown, "must be a hexadecimal address such as 0x100000000");
      } else {
        pass(result, option, value);
      }
      return;
    default:
      return;
  }
}

/** Hexadecimal digits of a 64-bit number. */
function isHexadecimal(digits: string): bool {
  const half = max(0, digits.length - 8);
  return (
    hexadecimal(digits.substring(half)) >= 0 && (half == 0 || hexadecimal(digits.substring(0, half)) >= 0)
  );
}

function apply(result: Arguments, option: EalOption, value: string, shown: string): void {
  switch (option.treatment) {
    case Treatment.Device:
      result.namesDevice = true;
      pass(
        result,
        option,
        option.name == "--vdev" ? withQueues(result.option, value, result.queues, shown) : value,
      );
      return;
    case Treatment.Pass:
      if (option.name == "--iova-mode") result.iovaMode = true;
      pass(result, option, value);
      return;
    case Treatment.Rename:
      warn(result, shown, `is called ${option.note} by this version of DPDK and passed on as that`);
      if (option.note == "--allow") result.namesDevice = true;
      result.passed.push(option.note);
      result.passed.push(value);
      return;
    case Treatment.HugePages:
      if (result.huge.length == 0) result.huge = shown;
      if (option.note.length > 0) warn(result, shown, `is taken out: ${option.note}`);
      return;
    case Treatment.NoHugePages:
      result.plain = true;
      return;
    case Treatment.TakeOut:
      warn(result, shown, `is taken out: ${option.note}`);
      return;
    case Treatment.Same:
      return;
    default:
      applyWithValue(result, option, value, shown);
      return;
  }
}

function read(option: Option, queues: i32): Arguments {
  const result = new Arguments(option, queues);
  const list = option.list;
  for (let i = 0; i < list.length; i++) {
    const argument = list[i];
    const name = nameOf(argument);
    const known = find(name);
    if (known === null) {
      unknown(result, argument, name);
      continue;
    }
    let value = attachedValue(argument, name);
    let shown = argument;
    if (known.takesValue && value.length == 0) {
      if (i + 1 >= list.length || (list[i + 1].startsWith("-") && list[i + 1].length > 1)) {
        complain(result, argument, "must be followed by its value");
        continue;
      }
      i++;
      value = list[i];
      shown = `${argument} ${value}`;
    } else if (!known.takesValue && value.length > 0 && known.name != "--huge-unlink") {
      if (known.name != "--huge-worker-stack") {
        complain(result, argument, `must be ${known.name} without a value`);
        continue;
      }
    }
    apply(result, known, value, shown);
  }
  return result;
}

/** Huge pages that were asked for and are not there stop a start. */
function checkHugePages(found: Arguments): void {
  if (found.huge.length == 0) return;
  if (found.plain) {
    complain(found, "--no-huge", `must not be given together with ${found.huge}`);
    return;
  }
  const wanted = max<i64>(found.mebibytes, 2);
  if (<f64>wanted <= machine.freeHugeMebibytes) return;
  const free = <i64>machine.freeHugeMebibytes;
  lacking(
    found.option,
    `"${found.huge}"`,
    `must be memory in huge pages, of which ${wanted} MiB are needed and ${free} MiB are free; ` +
      `reserve them with "sysctl -w vm.nr_hugepages=${(wanted + 1) / 2}", or take the argument out`,
  );
}

/** The lcore of the EAL: on the given CPU, or, with -1, free to run on all of them. */
function lcores(cpu: i32): string {
  if (cpu >= 0) return `0@${cpu}`;
  return cpus.length == 0 ? "0" : `0@(${cpus.join(",")})`;
}

/** What the arguments for the EAL come to. */
class Eal {
  args: string[] = [];
  isHuge: bool = false;
  namesDevice: bool = false;
}

/**
 * Checks an option's arguments for the EAL, whose lcore is to run on a CPU (-1: on any), and whose device is
 * to have so many queues.
 */
export function checkEalArgs(option: Option, cpu: i32, queues: i32 = 1): Eal {
  const found = read(option, queues);
  checkHugePages(found);
  const eal = new Eal();
  eal.isHuge = found.huge.length > 0;
  eal.namesDevice = found.namesDevice;
  const args = ["gazelle", "--lcores", lcores(cpu), "--no-telemetry"];
  if (eal.isHuge) {
    args.push("--in-memory");
    args.push("--single-file-segments");
    if (!found.iovaMode) args.push("--iova-mode=va");
  } else {
    args.push("--no-huge");
    args.push("--no-shconf");
  }
  const plain = `${max(PLAIN_MEBIBYTES, QUEUE_MEBIBYTES * queues)}`;
  if (found.memory.length > 0) {
    // Without huge pages there are no NUMA nodes to share the memory out to.
    args.push(eal.isHuge ? found.memory[0] : "-m");
    args.push(eal.isHuge || found.memory[0] == "-m" ? found.memory[1] : plain);
  } else if (!eal.isHuge) {
    args.push("-m");
    args.push(plain);
  }
  for (let i = 0; i < found.passed.length; i++) args.push(found.passed[i]);
  eal.args = args;
  return eal;
}

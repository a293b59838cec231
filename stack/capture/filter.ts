import {
  CAPTURE_SCRATCH,
  CAPTURE_STATE,
  CAPTURE_STEPS,
  CAPTURE_STEPS_MAX,
  CaptureArea,
} from "../memory/capture-area";
import { BpfInstruction } from "../wire/bpf";
import { loadBig16, loadBig32, loadByte } from "../wire/bytes";

/**
 * A packet filter as libpcap compiles it: the classic BPF machine (McCanne and Jacobson, "The BSD Packet
 * Filter", 1993; bpf(4)). Any program is safe: what it reads is checked against the frame, jumps go forward
 * only, and what is no instruction takes no frame.
 */

/** Words of scratch memory. */
const WORDS: u32 = 16;

/** Instruction classes, in the three lowest bits of a code. */
const LD: u32 = 0;
const LDX: u32 = 1;
const ST: u32 = 2;
const STX: u32 = 3;
const ALU: u32 = 4;
const JMP: u32 = 5;
const RET: u32 = 6;
const CLASS: u32 = 7;
/** Sizes and modes of loads. */
const HALF: u32 = 0x08;
const BYTE: u32 = 0x10;
const SIZE: u32 = 0x18;
const ABSOLUTE: u32 = 0x20;
const INDIRECT: u32 = 0x40;
const MEMORY: u32 = 0x60;
const LENGTH: u32 = 0x80;
const HEADER: u32 = 0xa0;
const MODE: u32 = 0xe0;
/** Operations of ALU and JMP, and whether their operand is X. */
const OPERATION: u32 = 0xf0;
const OPERAND_X: u32 = 0x08;
/** RET: the answer is A. */
const RETURN_A: u32 = 0x10;

/** The machine. */
@unmanaged
class FilterState {
  a: u32;
  x: u32;
  /** Set by what ends the program: a load beyond the frame, a division by zero, an unknown instruction. */
  failed: u32;
}

@unmanaged
class Word {
  value: u32;
}

function word(area: CaptureArea, index: u32): Word {
  return changetype<Word>(changetype<usize>(area) + CAPTURE_SCRATCH + ((<usize>(index & (WORDS - 1))) << 2));
}

/** Loads from the frame; beyond its end the program fails. */
function fetch(state: FilterState, size: u32, frame: usize, length: u32, at: u64): u32 {
  const bytes: u32 = size == BYTE ? 1 : size == HALF ? 2 : 4;
  if (at + bytes > <u64>length) {
    state.failed = 1;
    return 0;
  }
  const address = frame + <usize>at;
  if (size == BYTE) return loadByte(address);
  return size == HALF ? loadBig16(address) : loadBig32(address);
}

function loadA(area: CaptureArea, state: FilterState, step: BpfInstruction, frame: usize, length: u32): void {
  const code: u32 = step.code;
  const mode = code & MODE;
  if (mode == ABSOLUTE) state.a = fetch(state, code & SIZE, frame, length, step.constant);
  else if (mode == INDIRECT) state.a = fetch(state, code & SIZE, frame, length, <u64>state.x + step.constant);
  else if (mode == LENGTH) state.a = length;
  else if (mode == MEMORY) state.a = word(area, step.constant).value;
  else if (mode == 0) state.a = step.constant;
  else state.failed = 1;
}

function loadX(area: CaptureArea, state: FilterState, step: BpfInstruction, frame: usize, length: u32): void {
  const mode = <u32>step.code & MODE;
  // The length of an IPv4 header whose first byte is at k.
  if (mode == HEADER) state.x = (fetch(state, BYTE, frame, length, step.constant) & 15) << 2;
  else if (mode == LENGTH) state.x = length;
  else if (mode == MEMORY) state.x = word(area, step.constant).value;
  else if (mode == 0) state.x = step.constant;
  else state.failed = 1;
}

function calculate(state: FilterState, code: u32, k: u32): void {
  const operand = (code & OPERAND_X) != 0 ? state.x : k;
  const operation = code & OPERATION;
  const divides = operation == 0x30 || operation == 0x90;
  if (divides && operand == 0) state.failed = 1;
  else if (operation == 0x00) state.a += operand;
  else if (operation == 0x10) state.a -= operand;
  else if (operation == 0x20) state.a *= operand;
  else if (operation == 0x30) state.a /= operand;
  else if (operation == 0x40) state.a |= operand;
  else if (operation == 0x50) state.a &= operand;
  else if (operation == 0x60) state.a = operand > 31 ? 0 : state.a << operand;
  else if (operation == 0x70) state.a = operand > 31 ? 0 : state.a >> operand;
  else if (operation == 0x80) state.a = 0 - state.a;
  else if (operation == 0x90) state.a %= operand;
  else if (operation == 0xa0) state.a ^= operand;
  else state.failed = 1;
}

/** How many instructions a jump leaves out. */
function jump(state: FilterState, step: BpfInstruction): u64 {
  const operand = (<u32>step.code & OPERAND_X) != 0 ? state.x : step.constant;
  const operation = <u32>step.code & OPERATION;
  if (operation == 0x00) return step.constant;
  let holds = false;
  if (operation == 0x10) holds = state.a == operand;
  else if (operation == 0x20) holds = state.a > operand;
  else if (operation == 0x30) holds = state.a >= operand;
  else if (operation == 0x40) holds = (state.a & operand) != 0;
  else state.failed = 1;
  return holds ? step.whenTrue : step.whenFalse;
}

/** Everything but jumps and returns. */
function act(area: CaptureArea, state: FilterState, step: BpfInstruction, frame: usize, length: u32): void {
  const kind = <u32>step.code & CLASS;
  if (kind == LD) loadA(area, state, step, frame, length);
  else if (kind == LDX) loadX(area, state, step, frame, length);
  else if (kind == ST) word(area, step.constant).value = state.a;
  else if (kind == STX) word(area, step.constant).value = state.x;
  else if (kind == ALU) calculate(state, step.code, step.constant);
  else if ((<u32>step.code & 0xf8) == 0x80) state.a = state.x;
  else if ((<u32>step.code & 0xf8) == 0) state.x = state.a;
  else state.failed = 1;
}

/** Whether the area's program takes a frame; without a program every frame is taken. */
export function filterTakes(area: CaptureArea, frame: usize, length: u32): bool {
  const count = min(area.steps, CAPTURE_STEPS_MAX);
  if (count == 0) return true;
  const state = changetype<FilterState>(changetype<usize>(area) + CAPTURE_STATE);
  const steps = changetype<usize>(area) + CAPTURE_STEPS;
  state.a = 0;
  state.x = 0;
  state.failed = 0;
  for (let i: u64 = 0; i < <u64>count; i++) {
    const step = changetype<BpfInstruction>(steps + <usize>i * offsetof<BpfInstruction>());
    const kind = <u32>step.code & CLASS;
    if (kind == RET) return ((<u32>step.code & 0x18) == RETURN_A ? state.a : step.constant) != 0;
    if (kind == JMP) i += jump(state, step);
    else act(area, state, step, frame, length);
    if (state.failed != 0) return false;
  }
  return false;
}

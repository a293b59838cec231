import { CALL_OPTION, CALL_OPTION_SIZE, call } from "../memory/call";
import { BpfInstruction } from "../wire/bpf";

/** Classic BPF (linux/filter.h, linux/bpf_common.h): the instructions that our programs need. */
export enum Bpf {
  /** LD W, H, B ABS; LD H IND. */
  loadWord = 0x20,
  loadHalf = 0x28,
  loadByte = 0x30,
  loadHalfIndexed = 0x48,
  /** LDX MEM, ST, MISC TAX. */
  loadX = 0x61,
  store = 0x02,
  toX = 0x07,
  /** ALU with a constant; XOR with X. */
  multiply = 0x24,
  and = 0x54,
  shiftLeft = 0x64,
  shiftRight = 0x74,
  modulo = 0x94,
  xorX = 0xac,
  /** JMP with a constant. */
  jumpEqual = 0x15,
  jumpAbove = 0x25,
  jumpAtLeast = 0x35,
  jumpSet = 0x45,
  /** RET A, RET K. */
  returnA = 0x16,
  returnConstant = 0x06,
}

/** Where the network header begins (SKF_NET_OFF), and where the EtherType is found (SKF_AD_PROTOCOL). */
export const BPF_NETWORK: u32 = 0xfff00000;
export const BPF_PROTOCOL: u32 = 0xfffff000;

/** Begins a program at CALL_OPTION. */
export function bpfBegin(): void {
  call().value = 0;
}

/** Adds an instruction; jumps skip that many of the following ones. */
export function bpfAdd(code: Bpf, whenTrue: u8, whenFalse: u8, constant: u32): void {
  const at = <u32>call().value;
  assert((at + 1) * offsetof<BpfInstruction>() <= CALL_OPTION_SIZE);
  const instruction = changetype<BpfInstruction>(CALL_OPTION + <usize>at * offsetof<BpfInstruction>());
  instruction.code = <u16>code;
  instruction.whenTrue = whenTrue;
  instruction.whenFalse = whenFalse;
  instruction.constant = constant;
  call().value = at + 1;
}

/** How many instructions the program has. */
export function bpfCount(): u32 {
  return <u32>call().value;
}

import { root } from "../memory/root";
import { ETHERTYPE_IPV4 } from "../wire/ethernet";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4";
import { BPF_NETWORK, BPF_PROTOCOL, Bpf, bpfAdd, bpfBegin, bpfCount } from "./bpf";

/**
 * Which of a process' stacks a packet goes to. Ports that a stack chooses itself leave the process' number of
 * stacks as remainder its own number: answers find home by that. All other packets are spread by the peer's
 * address and port. A device that spreads by a hash of its own is in link/rss.ts.
 */

/** The range Linux uses by default, which is within what RFC 6056, section 3.2 asks for. */
const EPHEMERAL_FIRST: u32 = 32768;
const EPHEMERAL_LAST: u32 = 60999;
/** Odd numbers, so that every bit of address and port counts. */
const PORT_FACTOR: u32 = 0x9e3779b1;
const ADDRESS_FACTOR: u32 = 0x85ebca6b;

function stacks(): u32 {
  return max<u32>(root().stackCount, 1);
}

function firstPort(): u32 {
  const n = stacks();
  return EPHEMERAL_FIRST + ((root().stackIndex + n - (EPHEMERAL_FIRST % n)) % n);
}

/** How many ports this stack may choose from. */
export function ephemeralPorts(): u32 {
  return (EPHEMERAL_LAST - firstPort()) / stacks() + 1;
}

/** One of them; `index` below ephemeralPorts(). */
export function ephemeralPortAt(index: u32): u16 {
  return <u16>(firstPort() + index * stacks());
}

/**
 * How many ports this stack may try towards a known peer: all, where the device's hash says which of them
 * bring answers home (link/rss.ts).
 */
export function connectPorts(): u32 {
  return root().hashEntries == 0 ? ephemeralPorts() : EPHEMERAL_LAST - EPHEMERAL_FIRST + 1;
}

/** One of them; `index` below connectPorts(). */
export function connectPortAt(index: u32): u16 {
  return root().hashEntries == 0 ? ephemeralPortAt(index) : <u16>(EPHEMERAL_FIRST + index);
}

/** Ports from `offset` of the transport header on, behind the IP header's length in X. */
function loadPort(offset: u32): void {
  bpfAdd(Bpf.loadHalfIndexed, 0, 0, BPF_NETWORK + offset);
}

/**
 * Writes the classic BPF program that chooses the stack of a received packet (PACKET_FANOUT_CBPF) to
 * CALL_OPTION; answers its instructions. What is neither TCP nor UDP, or a fragment, is for stack 0.
 */
export function steeringProgram(): u32 {
  const n = stacks();
  bpfBegin();
  bpfAdd(Bpf.loadWord, 0, 0, BPF_PROTOCOL);
  bpfAdd(Bpf.jumpEqual, 0, 24, ETHERTYPE_IPV4);
  bpfAdd(Bpf.loadByte, 0, 0, BPF_NETWORK + 9);
  bpfAdd(Bpf.jumpEqual, 1, 0, PROTOCOL_TCP);
  bpfAdd(Bpf.jumpEqual, 0, 21, PROTOCOL_UDP);
  bpfAdd(Bpf.loadHalf, 0, 0, BPF_NETWORK + 6);
  bpfAdd(Bpf.jumpSet, 19, 0, 0x3fff);
  bpfAdd(Bpf.loadByte, 0, 0, BPF_NETWORK);
  bpfAdd(Bpf.and, 0, 0, 15);
  bpfAdd(Bpf.shiftLeft, 0, 0, 2);
  bpfAdd(Bpf.toX, 0, 0, 0);
  loadPort(2);
  bpfAdd(Bpf.jumpAtLeast, 0, 3, EPHEMERAL_FIRST);
  bpfAdd(Bpf.jumpAbove, 2, 0, EPHEMERAL_LAST);
  bpfAdd(Bpf.modulo, 0, 0, n);
  bpfAdd(Bpf.returnA, 0, 0, 0);
  loadPort(0);
  bpfAdd(Bpf.multiply, 0, 0, PORT_FACTOR);
  bpfAdd(Bpf.store, 0, 0, 0);
  bpfAdd(Bpf.loadWord, 0, 0, BPF_NETWORK + 12);
  bpfAdd(Bpf.multiply, 0, 0, ADDRESS_FACTOR);
  bpfAdd(Bpf.loadX, 0, 0, 0);
  bpfAdd(Bpf.xorX, 0, 0, 0);
  bpfAdd(Bpf.shiftRight, 0, 0, 16);
  bpfAdd(Bpf.modulo, 0, 0, n);
  bpfAdd(Bpf.returnA, 0, 0, 0);
  bpfAdd(Bpf.returnConstant, 0, 0, 0);
  return bpfCount();
}

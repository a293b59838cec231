import { poolGiveTo, poolTakeFrom } from "../../../stack/memory/pool";
import { mix } from "../../../stack/random/random";
import { PoolOf, poolFree, poolOf } from "../memory/pools";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Address, addressRelease } from "./address";
import { ageAdd, ageRemove } from "./age";
import { Vport, vport } from "./vport";

/** What is known of a flow. Each state has a list by age (tables/age.ts). */
export enum FlowState {
  /** A peer asked for the connection; nobody has seen it made. */
  tentative,
  /** Made, but its owner has not sent anything yet, or does not announce the end of connections. */
  unconfirmed,
  /** Made, and its owner announces its end. */
  established,
  /** Both sides have closed, or one has reset it. */
  closing,
  /** A peer of a datagram socket. */
  datagram,
}

/** More about a flow, in the bits of Flow.marks that its state leaves. */
export enum FlowFlag {
  /** Counted at its owner's listener. */
  counted = 8,
  /** The owner has answered the request. */
  answered = 16,
  finLocal = 32,
  finRemote = 64,
}

/** The bits of Flow.marks that hold its FlowState. */
export const STATE: u32 = 7;

/** A connection, or the peer of a datagram socket: 64 bytes, one cache line. */
@unmanaged
export class Flow {
  /** Next of its bucket. */
  next: usize;
  /** What the owner sends next, and expects next: for resets in its name (RFC 9293, section 3.5.2). */
  sndNxt: u32;
  rcvNxt: u32;
  /** When it was last looked at, in units of 1024 us. */
  touched: u32;
  remoteHigh: u64;
  remoteLow: u64;
  /** Hardware address towards the remote end in the low 48 bits, number of the local Address above. */
  link: u64;
  remotePort: u16;
  localPort: u16;
  /** Number of the vport it belongs to. */
  owner: u16;
  protocol: u8;
  /** FlowState in the lowest bits, FlowFlag above. */
  marks: u8;
  agePrevious: usize;
  ageNext: usize;
  /** List of its owner's flows. */
  ownerPrevious: usize;
  ownerNext: usize;
}

/** One of FlowState. */
export function flowState(f: Flow): u32 {
  return <u32>f.marks & STATE;
}

const MAC_MASK: u64 = 0xffffffffffff;
/**
 * A vport may have this many times as many flows as are still free: one that floods gets at most eight ninths
 * of the table, and always leaves room for others.
 */
const SHARE: u32 = 8;

@unmanaged
class Bucket {
  head: usize;
}

function bucket(
  address: u32,
  protocol: u8,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): Bucket {
  const r = root();
  const ports = ((<u64>localPort) << 16) + <u64>remotePort;
  const local = ((<u64>address) << 40) | ((<u64>protocol) << 32);
  let hash = mix((remoteLow ^ ports ^ r.tableKey) + local);
  // Nothing that a peer chooses decides the bucket without the key.
  if (remoteHigh != 0) hash = mix((hash ^ mix(remoteHigh ^ r.tableKey)) + ports);
  return changetype<Bucket>(r.flows + ((<usize>(<u32>(hash >> 32) & r.flowMask)) << 2));
}

/** Number of a flow's local Address. */
export function flowAddress(f: Flow): Address {
  const p = poolOf(PoolOf.address);
  return changetype<Address>(p.base + <usize>(f.link >> 48) * <usize>p.stride);
}

/** Hardware address towards the remote end. */
export function flowMac(f: Flow): u64 {
  return f.link & MAC_MASK;
}

/** Remembers the hardware address towards the remote end. */
export function flowSetMac(f: Flow, mac: u64): void {
  f.link = (f.link & ~MAC_MASK) | mac;
}

/** Whether a flow has a flag. */
export function flowHas(f: Flow, flag: FlowFlag): bool {
  return (<u32>f.marks & flag) != 0;
}

/** Gives a flow a flag. */
export function flowSet(f: Flow, flag: FlowFlag): void {
  f.marks |= <u8>flag;
}

/** The flow between an address of ours and a remote endpoint, or null (0). */
export function flowFind(
  a: Address,
  protocol: u8,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): Flow {
  let at = bucket(a.id, protocol, localPort, remoteHigh, remoteLow, remotePort).head;
  while (at != 0) {
    const f = changetype<Flow>(at);
    if (
      f.remotePort == remotePort &&
      f.localPort == localPort &&
      f.remoteLow == remoteLow &&
      f.remoteHigh == remoteHigh &&
      <u32>(f.link >> 48) == a.id &&
      f.protocol == protocol
    ) {
      return f;
    }
    at = f.next;
  }
  return changetype<Flow>(0);
}

/** A new flow, which must not exist yet, of `v`; null (0), counted, when the table or its share is full. */
export function flowMake(
  v: Vport,
  protocol: u8,
  localPort: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
  state: FlowState,
): Flow {
  const p = poolOf(PoolOf.flow);
  const isFair = <u64>v.flows < <u64>poolFree(p) * SHARE;
  const f = changetype<Flow>(isFair ? poolTakeFrom(p) : 0);
  if (changetype<usize>(f) == 0) {
    count(Counter.flowsRefused);
    return f;
  }
  const a = changetype<Address>(v.address);
  const b = bucket(a.id, protocol, localPort, remoteHigh, remoteLow, remotePort);
  f.next = b.head;
  b.head = changetype<usize>(f);
  f.sndNxt = 0;
  f.rcvNxt = 0;
  f.remoteHigh = remoteHigh;
  f.remoteLow = remoteLow;
  f.link = (<u64>a.id) << 48;
  f.remotePort = remotePort;
  f.localPort = localPort;
  f.owner = <u16>v.id;
  f.protocol = protocol;
  f.marks = <u8>state;
  f.ownerPrevious = 0;
  f.ownerNext = v.flowHead;
  if (v.flowHead != 0) changetype<Flow>(v.flowHead).ownerPrevious = changetype<usize>(f);
  v.flowHead = changetype<usize>(f);
  v.flows++;
  a.references++;
  ageAdd(f);
  count(Counter.flowsMade);
  return f;
}

function leaveOwner(f: Flow): void {
  const v = vport(f.owner);
  if (f.ownerPrevious == 0) v.flowHead = f.ownerNext;
  else changetype<Flow>(f.ownerPrevious).ownerNext = f.ownerNext;
  if (f.ownerNext != 0) changetype<Flow>(f.ownerNext).ownerPrevious = f.ownerPrevious;
  v.flows--;
}

function leaveBucket(f: Flow, a: Address): void {
  const b = bucket(a.id, f.protocol, f.localPort, f.remoteHigh, f.remoteLow, f.remotePort);
  if (b.head == changetype<usize>(f)) {
    b.head = f.next;
    return;
  }
  let at = changetype<Flow>(b.head);
  while (at.next != changetype<usize>(f)) at = changetype<Flow>(at.next);
  at.next = f.next;
}

/** Takes a flow out of every list and gives it back; what its listener counts is the caller's. */
export function flowFree(f: Flow): void {
  const a = flowAddress(f);
  leaveBucket(f, a);
  leaveOwner(f);
  ageRemove(f);
  // Who looks at the pool sees by it that the flow is free.
  f.protocol = 0;
  poolGiveTo(poolOf(PoolOf.flow), changetype<usize>(f));
  addressRelease(a);
  count(Counter.flowsEnded);
}

/** Puts a flow into another state, and on the list of that state. */
export function flowEnter(f: Flow, state: FlowState): void {
  ageRemove(f);
  f.marks = <u8>((<u32>f.marks & ~STATE) | state);
  ageAdd(f);
}

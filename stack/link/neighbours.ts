import { ipResume, ipUnreachable } from "../ip/output";
import { Buffer, chainGive } from "../memory/buffer";
import { PoolId, pool, poolAt, poolGive, poolTake } from "../memory/pool";
import { Port } from "../memory/port";
import { root } from "../memory/root";
import { mix, randomBelow } from "../random/random";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { tcpResume, tcpUnreachable } from "../tcp/output";
import { Timer, TimerKind, timerSet, timerStop } from "../timer/wheel";
import { ipv4Raw, isIpv4Multicast } from "../wire/address";
import { MAC_BROADCAST, multicastMac } from "../wire/ethernet";
import { addressFind, isBroadcast } from "./addresses";
import { arpAsk } from "./arp";
import { Parked } from "./parked";

/** What is known about a neighbour's hardware address. */
enum NeighbourState {
  /** Nothing, and nobody has asked: new, or it did not answer. */
  unresolved,
  /** A broadcast request is out. */
  incomplete,
  /** Confirmed within the last REACHABLE_US. */
  reachable,
  /** Older than that and nobody uses it, but somebody holds it. */
  stale,
  /** Older than that and in use: a unicast request is out; the address is used meanwhile. */
  probing,
  /** A group address, an own one, or the only one that a port leads to: it needs no resolution. */
  known,
  /** Given back to the pool. */
  free,
}

/** RFC 1122, section 2.3.2.1: entries that are not confirmed are flushed; at most one request a second. */
const REACHABLE_US: u64 = 30_000_000;
const RETRY_US: u64 = 1_000_000;
const TRIES: u8 = 3;
/** Whole datagrams that wait for one neighbour (RFC 1122, section 2.3.2.2 asks for one). */
const QUEUE_MAX: u8 = 8;
/** A confirmed address does not change sooner, so that a race of answers is won by the first. */
const LOCK_US: u64 = 1_000_000;
/** Entries looked at for one to give up when the pool is empty. */
const EVICTION_LOOKS: u32 = 16;

/** The hardware address of an on-link address, and who waits for it. */
@unmanaged
export class Neighbour extends Timer {
  hashNext: usize;
  /** The port it is on. */
  port: Port;
  /** 1 when `mac` may be used at once. */
  ready: u8;
  /** Requests sent in this round. */
  tries: u8;
  /** Datagrams in the queue. */
  queued: u8;
  state: NeighbourState;
  /** References kept beyond a call (TCBs). */
  holders: u32;
  mac: u64;
  high: u64;
  low: u64;
  /** When somebody last wanted to send to it. */
  usedAt: u64;
  confirmedAt: u64;
  /** When a request was last sent; 0: never. */
  requestedAt: u64;
  parkedHead: usize;
  parkedTail: usize;
  parkedCount: u32;
  /** Whole IP packets, linked by chainNext. */
  queueHead: usize;
  queueTail: usize;
}

@unmanaged
class Bucket {
  head: usize;
}

function bucketOf(p: Port, high: u64, low: u64): Bucket {
  const r = root();
  const hash = <u32>mix(low ^ rotl<u64>(high, 31) ^ r.tableKey ^ p.id);
  return changetype<Bucket>(r.neighbours + ((<usize>(hash & r.neighbourMask)) << 2));
}

function find(p: Port, high: u64, low: u64): Neighbour {
  let at = bucketOf(p, high, low).head;
  while (at != 0) {
    const n = changetype<Neighbour>(at);
    if (n.low == low && n.high == high && changetype<usize>(n.port) == changetype<usize>(p)) break;
    at = n.hashNext;
  }
  return changetype<Neighbour>(at);
}

/** Gives an entry back that nobody holds, waits for, or has something queued for. */
function free(n: Neighbour): void {
  assert(n.holders == 0 && n.parkedCount == 0 && n.queued == 0);
  timerStop(n);
  const bucket = bucketOf(n.port, n.high, n.low);
  if (bucket.head == changetype<usize>(n)) {
    bucket.head = n.hashNext;
  } else {
    let at = changetype<Neighbour>(bucket.head);
    while (at.hashNext != changetype<usize>(n)) at = changetype<Neighbour>(at.hashNext);
    at.hashNext = n.hashNext;
  }
  // An eviction may look at a free object: it must not take it for an entry in use.
  n.holders = 1;
  n.state = NeighbourState.free;
  poolGive(PoolId.neighbour, changetype<usize>(n));
}

/** Gives up one of some entries picked at random that nobody needs now. */
function evict(): void {
  const touched = pool(PoolId.neighbour).touched;
  for (let i: u32 = 0; i < EVICTION_LOOKS; i++) {
    const n = changetype<Neighbour>(poolAt(PoolId.neighbour, randomBelow(touched)));
    if (n.holders == 0 && n.parkedCount == 0 && n.queued == 0) {
      free(n);
      return;
    }
  }
}

function make(p: Port, high: u64, low: u64): Neighbour {
  let address = poolTake(PoolId.neighbour);
  if (address == 0) {
    evict();
    address = poolTake(PoolId.neighbour);
    if (address == 0) return changetype<Neighbour>(0);
  }
  memory.fill(address, 0, offsetof<Neighbour>());
  const n = changetype<Neighbour>(address);
  n.kind = <u16>TimerKind.neighbour;
  n.port = p;
  n.high = high;
  n.low = low;
  n.usedAt = root().now;
  n.confirmedAt = n.usedAt;
  const bucket = bucketOf(p, high, low);
  n.hashNext = bucket.head;
  bucket.head = address;
  const raw = ipv4Raw(low);
  const isGroup = isBroadcast(raw) || isIpv4Multicast(raw);
  const isOwn = changetype<usize>(addressFind(high, low)) != 0;
  if (p.peer != 0 || isGroup || isOwn) {
    if (p.peer != 0 || isOwn) n.mac = isOwn ? p.mac : p.peerMac;
    else n.mac = isIpv4Multicast(raw) ? multicastMac(raw) : MAC_BROADCAST;
    n.state = NeighbourState.known;
    n.ready = 1;
  }
  timerSet(n, root().now + REACHABLE_US);
  return n;
}

/** The entry of an on-link address on a port, made when it is missing; null (0) when there is no room. */
export function neighbourFor(p: Port, high: u64, low: u64): Neighbour {
  const n = find(p, high, low);
  return changetype<usize>(n) != 0 ? n : make(p, high, low);
}

/** Keeps an entry from being given back while somebody refers to it. */
export function neighbourHold(n: Neighbour): void {
  n.holders++;
}

/** Undoes neighbourHold(). */
export function neighbourRelease(n: Neighbour): void {
  assert(n.holders > 0);
  n.holders--;
  if (n.holders == 0 && n.place == 0) timerSet(n, root().now + REACHABLE_US);
}

function ask(n: Neighbour, to: u64): void {
  n.requestedAt = root().now;
  n.tries++;
  arpAsk(n, to);
  timerSoon(n, n.requestedAt + RETRY_US);
}

/** Sets the timer, sooner or later than it was. */
function timerSoon(n: Neighbour, at: u64): void {
  timerStop(n);
  timerSet(n, at);
}

function resolve(n: Neighbour): bool {
  if (n.state == NeighbourState.stale) {
    n.state = NeighbourState.probing;
    n.ready = 1;
    n.tries = 0;
    ask(n, n.mac);
    return true;
  }
  if (n.state == NeighbourState.unresolved) {
    n.state = NeighbourState.incomplete;
    n.tries = 0;
    const now = root().now;
    if (n.requestedAt != 0 && now - n.requestedAt < RETRY_US) timerSoon(n, n.requestedAt + RETRY_US);
    else ask(n, MAC_BROADCAST);
  }
  return false;
}

/** True: `n.mac` may be used now. False: it is being resolved; park or queue. */
export function neighbourReady(n: Neighbour): bool {
  n.usedAt = root().now;
  return n.ready != 0 || resolve(n);
}

/** The neighbour made progress with what we sent, so its address is right (RFC 4861, section 7.3.1). */
export function neighbourConfirm(n: Neighbour): void {
  if (n.ready != 0) n.confirmedAt = root().now;
}

/** Puts a TCB in line until the entry is resolved (tcpResume) or given up (tcpUnreachable). */
export function neighbourPark(n: Neighbour, tcb: usize): void {
  const parked = changetype<Parked>(tcb);
  if (parked.parkedOn != 0) {
    assert(parked.parkedOn == changetype<usize>(n));
    return;
  }
  parked.parkedOn = changetype<usize>(n);
  parked.parkNext = 0;
  parked.parkPrevious = n.parkedTail;
  if (n.parkedTail != 0) changetype<Parked>(n.parkedTail).parkNext = tcb;
  else n.parkedHead = tcb;
  n.parkedTail = tcb;
  n.parkedCount++;
}

/** Takes a TCB out of the line it stands in, if any. */
export function neighbourUnpark(tcb: usize): void {
  const parked = changetype<Parked>(tcb);
  if (parked.parkedOn == 0) return;
  const n = changetype<Neighbour>(parked.parkedOn);
  if (parked.parkNext != 0) changetype<Parked>(parked.parkNext).parkPrevious = parked.parkPrevious;
  else n.parkedTail = parked.parkPrevious;
  if (parked.parkPrevious != 0) changetype<Parked>(parked.parkPrevious).parkNext = parked.parkNext;
  else n.parkedHead = parked.parkNext;
  parked.parkedOn = 0;
  n.parkedCount--;
}

/**
 * Queues a whole IP packet until the entry is resolved; takes the chain. A full queue loses its oldest
 * packet.
 */
export function neighbourQueue(n: Neighbour, chain: usize): void {
  if (n.queued >= QUEUE_MAX) {
    drop(DropReason.neighbourQueue);
    chainGive(queueTake(n));
  }
  changetype<Buffer>(chain).chainNext = 0;
  if (n.queueTail != 0) changetype<Buffer>(n.queueTail).chainNext = chain;
  else n.queueHead = chain;
  n.queueTail = chain;
  n.queued++;
}

function queueTake(n: Neighbour): usize {
  const chain = n.queueHead;
  if (chain != 0) {
    n.queueHead = changetype<Buffer>(chain).chainNext;
    if (n.queueHead == 0) n.queueTail = 0;
    n.queued--;
  }
  return chain;
}

function resolved(n: Neighbour): void {
  // Held meanwhile: who sends now may need an entry and push idle ones out.
  n.holders++;
  let waiting = n.parkedCount;
  while (waiting > 0 && n.parkedHead != 0) {
    const tcb = n.parkedHead;
    neighbourUnpark(tcb);
    tcpResume(tcb);
    waiting--;
  }
  let queued = <u32>n.queued;
  while (queued > 0 && n.queueHead != 0) {
    ipResume(n, queueTake(n));
    queued--;
  }
  n.holders--;
}

function failed(n: Neighbour): void {
  count(Counter.neighbourFailures);
  n.state = NeighbourState.unresolved;
  n.ready = 0;
  n.holders++;
  let waiting = n.parkedCount;
  while (waiting > 0 && n.parkedHead != 0) {
    const tcb = n.parkedHead;
    neighbourUnpark(tcb);
    tcpUnreachable(tcb);
    waiting--;
  }
  let queued = <u32>n.queued;
  while (queued > 0 && n.queueHead != 0) {
    drop(DropReason.neighbourQueue);
    ipUnreachable(queueTake(n));
    queued--;
  }
  n.holders--;
  if (n.state == NeighbourState.unresolved) timerSoon(n, root().now + REACHABLE_US);
}

/**
 * Takes what an ARP packet says of its sender: updates an entry, or makes one when `create` (the packet asked
 * for us and so shows that the host is about to talk to us). Answers whether anything was learnt.
 */
export function neighbourLearn(p: Port, high: u64, low: u64, mac: u64, create: bool): bool {
  let n = find(p, high, low);
  if (changetype<usize>(n) == 0) {
    const entries = pool(PoolId.neighbour);
    // Strangers may fill three quarters of the table; the rest is for those whom we want to talk to.
    if (!create || entries.used >= entries.capacity - entries.capacity / 4) return false;
    n = make(p, high, low);
    if (changetype<usize>(n) == 0) return false;
  }
  const now = root().now;
  if (n.state == NeighbourState.known) return false;
  if (n.state == NeighbourState.reachable && n.mac != mac && now - n.confirmedAt < LOCK_US) return false;
  n.mac = mac;
  n.confirmedAt = now;
  n.state = NeighbourState.reachable;
  n.ready = 1;
  timerSoon(n, now + REACHABLE_US);
  resolved(n);
  return true;
}

/** Forgets every neighbour on a port that is closed; connections have let go of them before. */
export function neighboursForget(p: Port): void {
  const r = root();
  for (let i: u32 = 0; i <= r.neighbourMask; i++) {
    let at = changetype<Bucket>(r.neighbours + ((<usize>i) << 2)).head;
    while (at != 0) {
      const n = changetype<Neighbour>(at);
      at = n.hashNext;
      if (changetype<usize>(n.port) != changetype<usize>(p)) continue;
      while (n.queueHead != 0) {
        drop(DropReason.portClosed);
        chainGive(queueTake(n));
      }
      free(n);
    }
  }
}

/** An entry that was confirmed too long ago. */
function age(n: Neighbour): void {
  const now = root().now;
  if (now - n.confirmedAt < REACHABLE_US) {
    timerSet(n, n.confirmedAt + REACHABLE_US);
  } else if (n.usedAt > n.confirmedAt) {
    n.state = NeighbourState.probing;
    n.tries = 0;
    ask(n, n.mac);
  } else if (n.holders > 0) {
    n.state = NeighbourState.stale;
    n.ready = 0;
  } else {
    free(n);
  }
}

/** The timer of an entry fired. */
export function neighbourTimer(n: Neighbour): void {
  const now = root().now;
  switch (n.state) {
    case NeighbourState.reachable:
      age(n);
      break;
    case NeighbourState.incomplete:
      if (n.tries < TRIES) ask(n, MAC_BROADCAST);
      else failed(n);
      break;
    case NeighbourState.probing:
      if (now - n.confirmedAt < REACHABLE_US) {
        n.state = NeighbourState.reachable;
        timerSet(n, n.confirmedAt + REACHABLE_US);
      } else if (n.tries < TRIES) {
        ask(n, n.mac);
      } else {
        failed(n);
      }
      break;
    case NeighbourState.known:
      if (n.holders == 0 && now - n.usedAt >= REACHABLE_US) free(n);
      else timerSet(n, now + REACHABLE_US);
      break;
    default:
      if (n.holders == 0 && n.parkedCount == 0 && n.queued == 0) free(n);
      break;
  }
}

import { icmpError } from "../icmp/errors";
import { answersForAll } from "../link/handover";
import { Buffer, bufferBase, bufferGive, bufferTake } from "../memory/buffer";
import { BUFFER_SIZE, REASSEMBLIES } from "../memory/map";
import { PoolId, pool, poolGive, poolTake } from "../memory/pool";
import { Port, RxFlag } from "../memory/port";
import { root } from "../memory/root";
import { mix } from "../random/random";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { Timer, TimerKind, timerSet, timerStop } from "../timer/wheel";
import { ICMP_REASSEMBLY_TIME, ICMP_TIME_EXCEEDED } from "../wire/icmp";
import {
  IPV4_HEADER,
  IPV4_MAX,
  IPV4_MORE_FRAGMENTS,
  IPV4_OFFSET_MASK,
  ipv4CopyFixed,
  ipv4Destination,
  ipv4Fragment,
  ipv4Identification,
  ipv4Protocol,
  ipv4SetWhole,
  ipv4Source,
} from "../wire/ipv4";
import { blockMapAdd, blockMapClear, blockMapHeld, blockMapIsFragment } from "./block-map";
import { ipDeliver } from "./input";

/** How long fragments wait for the rest of their datagram (RFC 1122, section 3.3.2: a fixed value). */
const REASSEMBLY_US: u64 = 30_000_000;
/** Datagrams of one source that are reassembled at a time. */
const PER_SOURCE: u32 = 16;
/** One part in so many of all buffers may hold fragments. */
const SHARE: u32 = 8;
const BUCKETS: u32 = 64;
/** No fragment told the datagram's length yet. */
const UNKNOWN: u32 = 0xffffffff;
/** Bytes of a datagram behind its header that an ICMP error quotes beside the first fragment's header. */
const QUOTED: u32 = 8;

/**
 * A datagram of which fragments have arrived. Its data lies by position in up to 32 buffers, so that any
 * number of fragments costs no more than the datagram itself.
 */
@unmanaged
export class Reassembly extends Timer {
  chain: usize;
  port: Port;
  source: u32;
  destination: u32;
  id: u16;
  protocol: u8;
  /**
   * 1: given up; it stays until its time is over, so that later fragments of the datagram are refused too.
   */
  dead: u8;
  /** RxFlag.broadcast, linkGroup and everywhere of its fragments. */
  flags: u32;
  /** Bytes behind the header, UNKNOWN until the last fragment arrived. */
  length: u32;
  /** Bytes that have arrived, and the end of the farthest. */
  held: u32;
  end: u32;
  /** 1: the header below is set, from the fragment with offset 0. */
  hasHeader: u32;
  /** The buffer with the block map. */
  map: usize;
  /** The first fragment's IP header, without its options: 20 bytes. */
  header0: u64;
  header1: u64;
  header2: u64;
  /** References of 32 buffers, two in each word. */
  pieces0: u64;
  pieces1: u64;
  pieces2: u64;
  pieces3: u64;
  pieces4: u64;
  pieces5: u64;
  pieces6: u64;
  pieces7: u64;
  pieces8: u64;
  pieces9: u64;
  pieces10: u64;
  pieces11: u64;
  pieces12: u64;
  pieces13: u64;
  pieces14: u64;
  pieces15: u64;
}

const PIECES: u32 = 32;

@unmanaged
class Reference {
  to: usize;
}

function piece(r: Reassembly, index: u32): Reference {
  return changetype<Reference>(
    changetype<usize>(r) + offsetof<Reassembly>("pieces0") + ((<usize>index) << 2),
  );
}

function headerOf(r: Reassembly): usize {
  return changetype<usize>(r) + offsetof<Reassembly>("header0");
}

/** All datagrams of a source are in one bucket, so that they can be counted. */
function bucketOf(source: u32): Reference {
  const hash = <u32>mix(root().tableKey ^ source) & (BUCKETS - 1);
  return changetype<Reference>(REASSEMBLIES + ((<usize>hash) << 2));
}

function takeBuffer(): usize {
  const r = root();
  if (r.reassemblyBuffers >= pool(PoolId.buffer).capacity / SHARE) return 0;
  const buffer = changetype<usize>(bufferTake());
  if (buffer != 0) r.reassemblyBuffers++;
  return buffer;
}

function giveBuffers(r: Reassembly): void {
  for (let i: u32 = 0; i <= PIECES; i++) {
    const at = i < PIECES ? piece(r, i).to : r.map;
    if (at == 0) continue;
    bufferGive(changetype<Buffer>(at));
    root().reassemblyBuffers--;
    if (i < PIECES) piece(r, i).to = 0;
    else r.map = 0;
  }
}

/** Forgets a datagram, its buffers included. */
function release(r: Reassembly): void {
  timerStop(r);
  giveBuffers(r);
  const bucket = bucketOf(r.source);
  if (bucket.to == changetype<usize>(r)) {
    bucket.to = r.chain;
  } else {
    let at = changetype<Reassembly>(bucket.to);
    while (at.chain != changetype<usize>(r)) at = changetype<Reassembly>(at.chain);
    at.chain = r.chain;
  }
  poolGive(PoolId.reassembly, changetype<usize>(r));
}

/** Gives a datagram up and remembers that, for as long as it would have waited (RFC 5722, section 3). */
function kill(r: Reassembly, reason: DropReason): void {
  drop(reason);
  giveBuffers(r);
  r.dead = 1;
}

/** A new entry for the datagram that `packet` is a fragment of; null (0) when there is no room. */
function start(p: Port, packet: usize, bucket: Reference): Reassembly {
  const none = changetype<Reassembly>(0);
  const map = takeBuffer();
  if (map == 0) return none;
  const address = poolTake(PoolId.reassembly);
  if (address == 0) {
    bufferGive(changetype<Buffer>(map));
    root().reassemblyBuffers--;
    return none;
  }
  memory.fill(address, 0, offsetof<Reassembly>());
  const r = changetype<Reassembly>(address);
  r.kind = <u16>TimerKind.reassembly;
  r.port = p;
  r.source = ipv4Source(packet);
  r.destination = ipv4Destination(packet);
  r.id = ipv4Identification(packet);
  r.protocol = ipv4Protocol(packet);
  r.length = UNKNOWN;
  r.map = map;
  blockMapClear(bufferBase(changetype<Buffer>(map)));
  r.chain = bucket.to;
  bucket.to = address;
  timerSet(r, root().now + REASSEMBLY_US);
  return r;
}

/**
 * The entry of the datagram that `packet` is a fragment of, made when it is missing; null (0) when there is
 * no room.
 */
function entryFor(p: Port, packet: usize): Reassembly {
  const source = ipv4Source(packet);
  const destination = ipv4Destination(packet);
  const id = ipv4Identification(packet);
  const protocol = ipv4Protocol(packet);
  const bucket = bucketOf(source);
  let ofSource: u32 = 0;
  let oldest: usize = 0;
  let at = bucket.to;
  while (at != 0) {
    const r = changetype<Reassembly>(at);
    if (r.source == source) {
      if (r.id == id && r.destination == destination && r.protocol == protocol) return r;
      ofSource++;
      // New ones are put in front, so the last one seen is the oldest.
      oldest = at;
    }
    at = r.chain;
  }
  if (ofSource >= PER_SOURCE) {
    drop(DropReason.fragmentNoRoom);
    release(changetype<Reassembly>(oldest));
  }
  return start(p, packet, bucket);
}

/** Copies a fragment's bytes to their place; false when buffers ran out. */
function store(r: Reassembly, data: usize, offset: u32, length: u32): bool {
  let done: u32 = 0;
  while (done < length) {
    const position = offset + done;
    const within = position % BUFFER_SIZE;
    const reference = piece(r, position / BUFFER_SIZE);
    if (reference.to == 0) reference.to = takeBuffer();
    if (reference.to == 0) return false;
    const part = min(length - done, BUFFER_SIZE - within);
    memory.copy(bufferBase(changetype<Buffer>(reference.to)) + within, data + done, part);
    done += part;
  }
  return true;
}

/** Whether a fragment's bytes are the same as those at their place, all of which have arrived. */
function isSame(r: Reassembly, data: usize, offset: u32, length: u32): bool {
  let done: u32 = 0;
  while (done < length) {
    const position = offset + done;
    const within = position % BUFFER_SIZE;
    const part = min(length - done, BUFFER_SIZE - within);
    const held = bufferBase(changetype<Buffer>(piece(r, position / BUFFER_SIZE).to)) + within;
    if (memory.compare(held, data + done, part) != 0) return false;
    done += part;
  }
  return true;
}

/** Copies the header and the first `length` bytes into the contiguous area; answers its address. */
function gather(r: Reassembly, length: u32): usize {
  const packet = root().reassembled;
  memory.copy(packet, headerOf(r), IPV4_HEADER);
  let done: u32 = 0;
  while (done < length) {
    const part = min(length - done, BUFFER_SIZE);
    memory.copy(
      packet + IPV4_HEADER + done,
      bufferBase(changetype<Buffer>(piece(r, done / BUFFER_SIZE).to)),
      part,
    );
    done += part;
  }
  return packet;
}

/** Delivers a datagram of which everything has arrived. */
function complete(r: Reassembly): void {
  const total = IPV4_HEADER + r.length;
  const packet = gather(r, r.length);
  ipv4SetWhole(packet, total);
  const p = r.port;
  const flags = r.flags;
  release(r);
  count(Counter.ipReassembled);
  ipDeliver(p, packet, IPV4_HEADER, total, flags);
}

/** Whether a fragment agrees with what is known of its datagram; otherwise the datagram is given up. */
function accept(r: Reassembly, data: usize, offset: u32, length: u32, isLast: bool): bool {
  const end = offset + length;
  const first = offset >> 3;
  const endBlock = (end + 7) >> 3;
  const map = bufferBase(changetype<Buffer>(r.map));
  if (isLast ? (r.length != UNKNOWN && r.length != end) || r.end > end : end > r.length) {
    kill(r, DropReason.fragmentOverlap);
    return false;
  }
  if (blockMapHeld(map, first, endBlock) == 0) return true;
  // What says "last" must have been the last before, and the other way round: the lengths were compared
  // above.
  const isDuplicate = blockMapIsFragment(map, first, endBlock) && (isLast || end <= r.end);
  if (isDuplicate && isSame(r, data, offset, length)) drop(DropReason.duplicate);
  else kill(r, DropReason.fragmentOverlap);
  return false;
}

/** A received fragment; `headerLength` and `total` are checked (RFC 791, section 3.2; RFC 815 by bitmap). */
export function fragmentInput(p: Port, packet: usize, headerLength: u32, total: u32, flags: u32): void {
  count(Counter.ipFragmentsIn);
  const field = ipv4Fragment(packet);
  const offset = (<u32>(field & IPV4_OFFSET_MASK)) << 3;
  const isLast = (field & IPV4_MORE_FRAGMENTS) == 0;
  const length = total - headerLength;
  if (length == 0 || (!isLast && (length & 7) != 0) || headerLength + offset + length > IPV4_MAX) {
    drop(DropReason.fragmentMalformed);
    return;
  }
  const r = entryFor(p, packet);
  if (changetype<usize>(r) == 0) {
    drop(DropReason.fragmentNoRoom);
    return;
  }
  if (r.dead != 0) {
    drop(DropReason.fragmentOverlap);
    return;
  }
  const data = packet + headerLength;
  if (!accept(r, data, offset, length, isLast)) return;
  if (!store(r, data, offset, length)) {
    kill(r, DropReason.fragmentNoRoom);
    return;
  }
  blockMapAdd(bufferBase(changetype<Buffer>(r.map)), offset >> 3, (offset + length + 7) >> 3);
  r.held += length;
  r.end = max(r.end, offset + length);
  r.flags |= flags & (RxFlag.broadcast | RxFlag.linkGroup | RxFlag.everywhere);
  if (isLast) r.length = offset + length;
  if (offset == 0) {
    ipv4CopyFixed(headerOf(r), packet);
    r.hasHeader = 1;
  }
  if (r.held == r.length) complete(r);
}

/**
 * The time of a datagram is over: says so to its sender if the first fragment arrived (RFC 1122, section
 * 3.3.2).
 */
export function reassemblyTimer(r: Reassembly): void {
  if (r.dead == 0) {
    drop(DropReason.fragmentTimeout);
    if (r.hasHeader != 0 && r.held >= QUOTED && answersForAll(r.flags)) {
      // The first fragment alone holds at least eight bytes, or it would have been the whole datagram.
      const packet = gather(r, QUOTED);
      icmpError(ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIME, packet, IPV4_HEADER, IPV4_HEADER + QUOTED, r.flags);
    }
  }
  release(r);
}

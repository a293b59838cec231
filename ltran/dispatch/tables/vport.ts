import { RingEnd } from "../../../ring/end";
import { TokenBuckets } from "../../../stack/link/token-buckets";
import {
  VPORT_COUNTERS,
  VPORT_COUNTERS_STRIDE,
  VPORT_MARKS,
  VPORT_SHARES,
  VPORT_SLOTS_MAX,
  VPORT_STRIDE,
  VPORTS,
  VPORTS_MAX,
} from "../memory/map";
import { root } from "../memory/root";

/** Life of a vport. */
export enum VportState {
  /** Free to be opened. */
  free,
  open,
  /** Its region is gone; its flows are being reset, and late segments of them answered. */
  closing,
}

/** The port of one stack of one process: two rings in memory that the process owns, and who it may be. */
@unmanaged
export class Vport extends TokenBuckets {
  id: u32;
  /** VportState */
  state: u32;
  /** PortFlag of what stands on its rings. */
  flags: u32;
  /** Largest IP packet it takes that is not a super-frame. */
  mtu: u32;
  /** Its hardware address, in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Network that it is in (tables/network.ts). Its client sees no tags. */
  network: u32;
  /** Tells processes apart; the same for every stack of one. */
  key: u64;
  stackIndex: u32;
  /** Address it belongs to (tables/address.ts), and the next vport of the same. */
  address: usize;
  addressNext: usize;
  /** Whether it is the first of its process on its address: it gets ARP requests and echo requests. */
  isFirst: u32;
  /** Whether its frames are being taken now. */
  isBusy: u32;
  /** Its rate limit, or a NIC without room, kept frames in its ring. */
  stalled: u32;
  /** Announces its connections itself: they end when it says so, not by age. */
  announces: u32;
  /** It takes part in introductions; the address that it sent frames to last, and how many in a row. */
  takesRings: u32;
  switchedTo: usize;
  switched: u32;
  /** It has come back and not yet announced everything: until then nothing is unknown. 0: it has. */
  returningUntil: u64;
  /** Flows of it, and how many. */
  flowHead: usize;
  flows: u32;
  /** Listeners and bindings of it, and how many. */
  listenerHead: usize;
  listeners: u32;
  /** Links of Root.putHead, kickHead, closingHead, and whether it is in the first two. */
  putNext: usize;
  kickNext: usize;
  closingNext: usize;
  /** While it is closing: until when its address answers for it. */
  closingUntil: u64;
  /** Slots of its ring that its senders' shares name (forward/share.ts). */
  shareTotal: u32;
  isPut: u32;
  isKick: u32;
  /** Faults of both rings that were counted. */
  faultsCounted: u64;
  /** The daemon was told that a ring of it is dead. */
  isGivenUp: u32;
}

/** Offsets of the ends of its two rings. */
export const TAKE_END: usize = 256;
const PUT_END: usize = 448;
/** Offset of the slots that each sender has filled (forward/share.ts). */
const SHARES: usize = 640;

/** Vport number `id`. */
export function vport(id: u32): Vport {
  assert(id < VPORTS_MAX);
  return changetype<Vport>(VPORTS + <usize>id * VPORT_STRIDE);
}

/** The server's end of its client-to-server ring. */
export function vportTake(v: Vport): RingEnd {
  return changetype<RingEnd>(changetype<usize>(v) + TAKE_END);
}

/** The server's end of its server-to-client ring. */
export function vportPut(v: Vport): RingEnd {
  return changetype<RingEnd>(changetype<usize>(v) + PUT_END);
}

/** Whether a ring of it is dead, by what stands in its client's memory: nothing moves any more. */
export function vportIsBroken(v: Vport): bool {
  return (vportTake(v).broken | vportPut(v).broken) != 0;
}

/** Faults of both rings that countFaults() has not seen. */
export function vportFaults(v: Vport): u64 {
  return vportTake(v).faults + vportPut(v).faults - v.faultsCounted;
}

/** The shares of its senders. */
export function vportShares(v: Vport): usize {
  return changetype<usize>(v) + SHARES;
}

/** Memory for the marks of held frames. */
export function vportMarks(v: Vport): usize {
  return VPORT_MARKS + <usize>v.id * <usize>VPORT_SLOTS_MAX * 2;
}

/** Its counters. */
export function vportCounters(v: Vport): usize {
  return VPORT_COUNTERS + <usize>v.id * VPORT_COUNTERS_STRIDE;
}

/** A free vport, cleared but for its number, or null (0). */
export function vportTakeFree(): Vport {
  const r = root();
  let id: u32 = 0;
  while (id < r.vportsTouched && vport(id).state != VportState.free) id++;
  if (id >= VPORTS_MAX) return changetype<Vport>(0);
  if (id == r.vportsTouched) r.vportsTouched++;
  const v = vport(id);
  assert(offsetof<Vport>() <= TAKE_END && offsetof<RingEnd>() <= PUT_END - TAKE_END);
  assert(offsetof<RingEnd>() <= SHARES - PUT_END && (<usize>VPORT_SHARES) << 2 <= VPORT_STRIDE - SHARES);
  memory.fill(changetype<usize>(v), 0, VPORT_STRIDE);
  memory.fill(VPORT_COUNTERS + <usize>id * VPORT_COUNTERS_STRIDE, 0, VPORT_COUNTERS_STRIDE);
  v.id = id;
  return v;
}

/**
 * The doors of dispatch: everything that the forwarding thread and the tests may call. The caller holds the
 * forwarder's lock. Times are microseconds of one monotonic clock. Results are >= 0, or -errno.
 */
import { EINVAL } from "../../build/generated/system";
import { ringAwake, ringPending, ringSleep } from "../../ring/end";
import { bucketsDeadline, bucketsSet } from "../../stack/link/token-buckets";
import { CALL_WAKES, callWake } from "../../stack/memory/call";
import { Port, port, rxFrame } from "../../stack/memory/port";
import { bond, bondOf } from "./bond/bond";
import { nicHasRoom } from "./bond/choice";
import { member } from "./bond/member";
import {
  BondVerdict,
  bondBegin,
  bondDeadline,
  bondInput,
  bondLink,
  bondListens,
  bondMake,
  bondTick,
} from "./bond/mode";
import { closeBegin, closeDeadline, closeSome } from "./close";
import { nicBegin, regionCreate } from "./create";
import { FrameLevel } from "./forward/frame";
import { kernelInput } from "./forward/from-kernel";
import { nicInput } from "./forward/from-nic";
import { takeFrames } from "./forward/from-vport";
import { nicDone } from "./forward/to-nic";
import { publishPut } from "./forward/to-vport";
import { kernelBegin, kernelGiveUp, kernelShare, kernelUnshare } from "./kernel";
import { VPORT_BURST, VPORTS_MAX } from "./memory/map";
import { root } from "./memory/root";
import { RETURNING_US, vportBegin } from "./open";
import { Counter, count } from "./stats/counters";
import { DropReason, drop } from "./stats/drop";
import { countBurst } from "./stats/nic";
import { ageDeadline, ageExpired } from "./tables/age";
import { connectionEnd } from "./tables/connection";
import { pairEnd, pairForget, pairIsMade, pairMake, pairNext } from "./tables/pair";
import { Vport, VportState, vport, vportFaults, vportIsBroken, vportTake } from "./tables/vport";

/** Flows that one call of tick() lets expire. */
const EXPIRE_MOST: u32 = 256;

/** Lays out a new region of `size` bytes; entropy in Call.seed0..3. 0, or -1 when it is too small. */
export function create(size: u32, now: u64): i32 {
  return regionCreate(size, now);
}

/**
 * Adds a NIC: `flags` are PortFlag, `mtu` its largest IP packet, `mac` its hardware address with the first
 * byte lowest, `segmentationMax` the payload bytes of a super-frame (0: none). Several are a bond, of which
 * the first with a link is active. Its number, or -1 when there are too many.
 */
export function nicOpen(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  return nicBegin(flags, mtu, mac, segmentationMax);
}

/** The link of a NIC went up (1) or down (0). */
export function nicLink(nic: u32, isUp: u32, now: u64): void {
  root().now = now;
  bondLink(nicPort(nic), isUp != 0);
}

/** The NIC of a bond that transmits, the first one of several. */
export function nicActive(bondId: u32): u32 {
  assert(bondId < root().bonds);
  return bond(bondId).activeNic;
}

/**
 * Says how several NICs are one, before the first of them: 1 active-backup, as it is anyway, 4 802.3ad, 6
 * ALB. 0, or -EINVAL.
 */
export function bondModeSet(mode: u32): i32 {
  return bondBegin(mode);
}

/**
 * Makes another bond: NICs that are opened from now on belong to it, those before to number 0, which there
 * always is. Each is a network of its own, or several with VLANs. Its number, or -ENOSPC.
 */
export function bondOpen(): i32 {
  return bondMake();
}

/** Says which hardware address a NIC has of its own, in the low 48 bits: ALB uses it. */
export function nicOwnMacSet(nic: u32, mac: u64): void {
  assert(nic < root().nics);
  member(nic).ownMac = mac;
}

/** Whether a NIC is one of those that transmit and receive. */
export function nicIsActive(nic: u32): u32 {
  return bondListens(nicPort(nic)) ? 1 : 0;
}

/**
 * What LACP knows of a NIC's link: the partner's system in the low 48 bits (0: none), our state and the
 * partner's above (IEEE 802.1AX-2014, 6.4.2.3 l).
 */
export function lacpLink(nic: u32): u64 {
  assert(nic < root().nics);
  const m = member(nic);
  return m.partnerSystem | ((<u64>m.actorState) << 48) | ((<u64>m.partnerState) << 56);
}

function nicPort(nic: u32): Port {
  assert(nic < root().nics || nic + 1 == root().kernel);
  return port(nic);
}

/**
 * Opens the kernel device, after every NIC, as nicOpen(). Its number for receive() and outputDone(), or
 * -EBUSY, -ENOSPC. The shell hands its frames over only while kernelHolds() answers 0, and sends what waits
 * for it before it gives the memory of received frames back: what it could not send, kernelDrop() gives up.
 */
export function kernelOpen(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  return kernelBegin(flags, mtu, mac, segmentationMax);
}

/** The kernel has an address, too, with the hardware address `mac`: 0, or -ENOMEM, -EADDRINUSE. */
export function kernelAddressAdd(high: u64, low: u64, mac: u64): i32 {
  return kernelShare(high, low, mac);
}

/** It has it no more. */
export function kernelAddressRemove(high: u64, low: u64): void {
  kernelUnshare(high, low);
}

/** Frames of the kernel device whose memory is still needed. */
export function kernelHolds(): u32 {
  return root().kernelHeld;
}

/** Gives up what waits for the kernel device. */
export function kernelDrop(): void {
  kernelGiveUp();
}

/** Nothing is unknown before `until`: clients of an ltran that died may be on their way back. */
export function graceSet(until: u64): void {
  root().graceUntil = until;
}

/**
 * Opens a vport whose rings lie in a region of `size` bytes mapped at `data`; who it is, and where its rings
 * are, in the call area (Identity). `flags` are PortFlag: vnetHeader counts. Its number, or -EINVAL (rings or
 * hardware address impossible), -EADDRNOTAVAIL (no address for a host), -EADDRINUSE (others have the address
 * with another hardware address), -ENOMEM (VPORTS_MAX are open).
 */
export function vportOpen(data: u32, size: u32, flags: u32, mtu: u32, now: u64): i32 {
  root().now = now;
  return vportBegin(data, size, flags, mtu);
}

/** A vport by a number from outside, or null (0). */
function openVport(id: u32): Vport {
  const isOpen = id < VPORTS_MAX && vport(id).state == VportState.open;
  return isOpen ? vport(id) : changetype<Vport>(0);
}

/**
 * Closes a vport: its region may be unmapped when this returns, and its listeners are gone. Peers of its
 * connections get resets, the first of them now, the others in tick(). 0, or -EINVAL.
 */
export function vportClose(id: u32, now: u64): i32 {
  root().now = now;
  const v = openVport(id);
  if (changetype<usize>(v) == 0) return -EINVAL;
  closeBegin(v);
  return 0;
}

/** 1, once: pairs of vports were noted that talk to each other (takePair), or rings died (takeBroken). */
export function takeNotice(): u32 {
  const r = root();
  const notice = r.notice;
  r.notice = 0;
  return notice;
}

/** The next vport that has a dead ring, each told once; -1: there is none. */
export function takeBroken(): i32 {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    const v = vport(id);
    if (v.state != VportState.open || v.isGivenUp != 0 || !vportIsBroken(v)) continue;
    v.isGivenUp = 1;
    return <i32>id;
  }
  return -1;
}

/** The next pair that was noted: the lower number in the low half, the other one above; -1: there is none. */
export function takePair(): i32 {
  return pairNext();
}

/** Two vports have a ring of their own now. 0, or -EINVAL. */
export function pairMade(first: u32, second: u32): i32 {
  if (changetype<usize>(openVport(first)) == 0 || changetype<usize>(openVport(second)) == 0) return -EINVAL;
  pairMake(first, second);
  count(Counter.pairsMade);
  return 0;
}

/**
 * Two vports have no ring any more. What they know of connections is heard of only now: until that is so,
 * nothing is unknown. 0, or -EINVAL.
 */
export function pairEnded(first: u32, second: u32, now: u64): i32 {
  root().now = now;
  const a = openVport(first);
  const b = openVport(second);
  if (changetype<usize>(a) == 0 || changetype<usize>(b) == 0) return -EINVAL;
  if (!pairIsMade(first, second)) return 0;
  a.returningUntil = max(a.returningUntil, now + RETURNING_US);
  b.returningUntil = max(b.returningUntil, now + RETURNING_US);
  pairEnd(first, second);
  return 0;
}

/** Two vports may be noted again. 0, or -EINVAL. */
export function pairAgain(first: u32, second: u32): i32 {
  if (changetype<usize>(openVport(first)) == 0 || changetype<usize>(openVport(second)) == 0) return -EINVAL;
  pairForget(first, second);
  return 0;
}

/** Limits what a vport sends, in packets and 10^6 bits a second; 0: no limit. 0, or -EINVAL. */
export function rateLimitSet(id: u32, packets: u32, megabits: u32, now: u64): i32 {
  root().now = now;
  const v = openVport(id);
  if (changetype<usize>(v) == 0) return -EINVAL;
  bucketsSet(v, packets, megabits, now);
  return 0;
}

/** What expired may stay for up to `interval` microseconds longer: it is looked for that seldom. */
export function scanIntervalSet(interval: u64): void {
  root().scanInterval = interval;
}

/** Takes the first `frames` received frames of a NIC; they are the shell's again when this returns. */
export function receive(nic: u32, frames: u32, now: u64): void {
  root().now = now;
  const p = nicPort(nic);
  countBurst(p, frames);
  for (let i: u32 = 0; i < frames; i++) {
    const rx = rxFrame(p, i);
    if (p.id + 1 == root().kernel) {
      kernelInput(p, rx);
      continue;
    }
    const verdict = bondInput(p, rx);
    if (verdict == BondVerdict.taken) nicInput(p, rx);
    else if (verdict == BondVerdict.ignored) drop(DropReason.backupNic);
  }
  publishPut();
}

/** Takes from every vport's ring, a bounded number from each; answers how many frames there were. */
export function collect(now: u64): u32 {
  const r = root();
  r.now = now;
  let taken: u32 = 0;
  const touched = r.vportsTouched;
  for (let i: u32 = 0; i < touched; i++) {
    const at = r.collectNext + i;
    const v = vport(at < touched ? at : at - touched);
    if (v.state == VportState.open) taken += takeFrames(v, FrameLevel.outer, VPORT_BURST);
  }
  r.collectNext = r.collectNext + 1 < touched ? r.collectNext + 1 : 0;
  publishPut();
  return taken;
}

/** Frames that wait in the transmit ring of a NIC, from txHead on. */
export function outputWaiting(nic: u32): u32 {
  const p = nicPort(nic);
  return p.txTail - p.txHead;
}

/** The first `frames` frames of a NIC have left: their slots are the clients' again. */
export function outputDone(nic: u32, frames: u32): void {
  nicDone(nicPort(nic), frames, DropReason.count);
}

/** Whether the ring of an open vport has something that may be taken now, or broke a rule unseen. */
function hasWork(v: Vport): bool {
  if (v.state != VportState.open || v.rateWaits != 0) return false;
  // What waits for room in a NIC's ring is looked at when that has some: nothing is gained by looking sooner.
  if (v.stalled != 0 && !nicHasRoom(bondOf(v.network))) return false;
  return ringPending(vportTake(v)) || vportFaults(v) != 0;
}

/**
 * Whether some ring has something to be taken now. What waits for a rate limit is nextDeadline()'s, what
 * waits for a NIC the shell's, which looks soon while outputWaiting() answers more than 0.
 */
export function pending(): u32 {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    if (hasWork(vport(id))) return 1;
  }
  return 0;
}

/** Asks every client for kicks; 1: something came meanwhile, do not sleep. */
export function sleep(): u32 {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    const v = vport(id);
    if (v.state == VportState.open) ringSleep(vportTake(v));
  }
  return pending();
}

/** Kicks would be wasted from here on. */
export function awake(): void {
  const touched = root().vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    const v = vport(id);
    if (v.state == VportState.open) ringAwake(vportTake(v));
  }
}

/**
 * Vports whose clients are to be kicked: how many, their numbers in the call area's wake list. As many as it
 * holds, CALL_WAKES: there may be more.
 */
export function takeKicks(): u32 {
  const r = root();
  let kicks: u32 = 0;
  while (r.kickHead != 0 && kicks < CALL_WAKES) {
    const v = changetype<Vport>(r.kickHead);
    r.kickHead = v.kickNext;
    v.isKick = 0;
    if (v.state == VportState.open) callWake(kicks++).id = <i32>v.id;
  }
  return kicks;
}

/** Lets flows expire, goes on closing vports, announces addresses: a bounded amount of each. */
export function tick(now: u64): void {
  const r = root();
  r.now = now;
  if (now >= r.scanNext) {
    let left = EXPIRE_MOST;
    let f = ageExpired();
    while (changetype<usize>(f) != 0 && left > 0) {
      connectionEnd(f);
      count(Counter.flowsExpired);
      left--;
      f = ageExpired();
    }
    if (changetype<usize>(f) == 0) r.scanNext = now + r.scanInterval;
  }
  if (r.closingHead != 0) closeSome();
  bondTick();
}

/** When tick() or collect() want to be called next; u64.MAX_VALUE for never. */
export function nextDeadline(): u64 {
  const r = root();
  let next = min(max(ageDeadline(), r.scanNext), min(closeDeadline(), bondDeadline()));
  const touched = r.vportsTouched;
  for (let id: u32 = 0; id < touched; id++) {
    const v = vport(id);
    if (v.state == VportState.open) next = min(next, bucketsDeadline(v));
  }
  return next;
}

export { kernelMessage } from "../../kernel/steps";

/**
 * The doors of the stack: everything the shell, the simulator and the tests may call. The caller holds the
 * stack's lock. Times are microseconds of one monotonic clock. Results are >= 0, or -errno.
 */
import { EBUSY, EINVAL } from "../build/generated/system";
import { regionAttach, regionCreate } from "./create";
import { addressAssign, gatewayAssign } from "./ip/addresses";
import { bindSide, kernelNetworkSet, routeSide } from "./ip/sides";
import { linkChanged } from "./link/addresses";
import { announceDeadline } from "./link/announce";
import { receiveShared } from "./link/handover";
import { injectDeadline, injectRun } from "./link/inject";
import { linkInput } from "./link/input";
import { kernelSends } from "./link/kernel-port";
import { loopDeadline, loopInput } from "./link/loop";
import { portTake } from "./link/ports";
import { rateDeadline, rateLimit } from "./link/rate-limit";
import { ringReceive } from "./link/ring-port";
import { txDone } from "./link/transmit";
import { callEndpoint } from "./memory/call";
import { PORTS_MAX } from "./memory/map";
import { Port, port, rxFrame } from "./memory/port";
import { root } from "./memory/root";
import { announceOutput } from "./socket/announce";
import { DropReason, drop } from "./stats/drop";
import { countFallback, FallbackReason } from "./stats/fallback";
import { aboutFrame } from "./stats/subject";
import { countWake } from "./stats/wake";
import { Congestion } from "./tcp/congestion";
import { tcpOutput } from "./tcp/output";
import { portForget } from "./tcp/port-forget";
import { tcpUnfinished } from "./tcp/unfinished";
import { timerRun } from "./timer/dispatch";
import { wheelNext } from "./timer/wheel";

export { kernelMessage, kernelNeeds } from "../kernel/steps";
export { captureOpen } from "./capture/capture";
export {
  introductionInput,
  peerAttached,
  peerClose,
  peerMake,
  peerRegionSize,
  peerTake,
} from "./link/peer-port";
export {
  ringArm,
  ringDetach,
  ringDisarm,
  ringDue,
  ringPending,
  ringRegionSize,
  ringRegister,
  ringTransmit,
  ringWelcome,
} from "./link/ring-port";
export { hashKeyDraw, hashKeyTake } from "./link/rss";
export { steeringProgram } from "./link/steering";
export * from "./socket/doors";

/** Lays out a new region of `size` bytes; entropy in Call.seed0..3. */
export function create(size: u32, now: u64): i32 {
  return regionCreate(size, now);
}

/** Takes over an existing region; -1 when it was made by another build. */
export function attach(size: u32): i32 {
  return regionAttach(size);
}

/**
 * Adds a port: `flags` are PortFlag, `mtu` the largest IP packet, `mac` the hardware address with its first
 * byte lowest, `segmentationMax` the payload bytes of a super-frame (0: none). A port without a hardware
 * address is down until it gets one (ringWelcome). Answers the port's number, or -1 when there are too many.
 * A number that portClose() gave back is used again.
 */
export function portOpen(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  return portTake(flags, mtu, mac, segmentationMax);
}

/**
 * Opens the kernel's device, a port with virtio-net headers: the kernel has the stack's address, too, and
 * gets what no socket wants; its own frames leave by port `wire`. Of several stacks the first one has the
 * device, and the last one sends the frames. As portOpen().
 */
export function kernelOpen(wire: u32, flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  const id = portOpen(flags, mtu, mac, segmentationMax);
  if (id < 0) return id;
  root().kernel = <u32>id + 1;
  kernelShare(wire);
  return id;
}

/** As kernelOpen(), for a stack that does not have the device. */
export function kernelShare(wire: u32): void {
  root().kernelShares = 1;
  root().kernelWire = wire;
}

/**
 * Takes port `id` away: what waits in its ring is dropped, its neighbours are forgotten, connections that
 * used it look for another way. 0; -EINVAL when it is not open, -EBUSY when an address of the stack is on it.
 */
export function portClose(id: u32, now: u64): i32 {
  root().now = now;
  if (id >= PORTS_MAX || port(id).open == 0) return -EINVAL;
  return portForget(port(id)) ? 0 : -EBUSY;
}

/** Gives the stack the address in the call area's endpoint, on port `id`. */
export function addressAdd(id: u32, prefixLength: u32, now: u64): i32 {
  root().now = now;
  const endpoint = callEndpoint();
  return addressAssign(port(id), endpoint.high, endpoint.low, prefixLength);
}

/** Routes everything that is not on-link through the address in the call area's endpoint. */
export function gatewaySet(): i32 {
  const endpoint = callEndpoint();
  return gatewayAssign(endpoint.high, endpoint.low);
}

/**
 * This stack is number `index` of the process' `count`, which share address and port: to be said before it
 * has an address.
 */
export function stackPlace(index: u32, count: u32): void {
  const r = root();
  r.stackIndex = index;
  r.stackCount = count;
}

/** A frame for another stack was lost, because that one had no room. */
export function handOverFailed(): void {
  drop(DropReason.handOverFull);
}

/**
 * Limits transmission to `packets` and `megabits` (10^6 bits, from the Ethernet header on) per second; 0: no
 * limit.
 */
export function rateLimitSet(packets: u32, megabits: u32, now: u64): void {
  root().now = now;
  rateLimit(packets, megabits, now);
}

/**
 * The congestion control of sockets made from now on: a Congestion number; 0, or -EINVAL when there is none.
 */
export function congestionControlSet(kind: u32): i32 {
  if (kind > <u32>Congestion.newreno) return -EINVAL;
  root().congestionControl = kind;
  return 0;
}

/** The link of port `id` went up (1) or down (0). */
export function portLink(id: u32, isUp: u32, now: u64): void {
  root().now = now;
  linkChanged(port(id), isUp != 0);
}

/**
 * Takes the first `count` received frames of port `id` in; they are the shell's again when this returns. Of a
 * ring port, up to `count` frames that wait in its ring. Answers how many are to be handed on to the process'
 * next stack: those whose flags then have a number from RX_SEEN_SHIFT on.
 */
export function receive(id: u32, count: u32, now: u64): u32 {
  root().now = now;
  const following = receiveFrames(port(id), count);
  aboutFrame(0, 0);
  return following;
}

function receiveFrames(p: Port, count: u32): u32 {
  if (p.ring != 0) {
    ringReceive(p, count);
    return 0;
  }
  if (root().stackCount > 1) return receiveShared(p, count);
  for (let i: u32 = 0; i < count; i++) {
    const frame = rxFrame(p, i);
    if (p.id + 1 == root().kernel) kernelSends(p, frame.address, frame.length);
    else linkInput(p, frame.address, frame.length, frame.wireLength, frame.flags);
  }
  return 0;
}

/**
 * Runs every timer that is due, and takes in what the stack has sent to itself. Answers how many frames are
 * to be handed on to the process' next stack: the first received ones of the port whose address it is.
 */
export function tick(now: u64): u32 {
  root().now = now;
  timerRun(now);
  injectRun();
  return loopInput();
}

function waiting(p: Port): u32 {
  return p.txTail - p.txHead;
}

/** Fills the transmit ring of port `id`; answers how many frames wait from txHead on. */
export function output(id: u32, now: u64): u32 {
  root().now = now;
  announceOutput();
  tcpOutput(now);
  return waiting(port(id));
}

/** The shell has sent the first `count` frames of port `id`. */
export function outputDone(id: u32, count: u32): void {
  txDone(port(id), count);
}

/**
 * Whether something waits that must not wait for the application: data released by an ACK, handshakes,
 * replies.
 */
export function outputUrgent(id: u32): u32 {
  return root().outputUrgent + waiting(port(id));
}

/**
 * Tells of one network of the kernel's, address and mask in network byte order; `index` 0 begins the list
 * anew.
 */
export function kernelNetwork(index: u32, address: u32, mask: u32): void {
  kernelNetworkSet(index, address, mask);
}

/** Who serves a socket bound to the address in the call area's endpoint: a Side. */
export function sideOfBind(v6Only: i32): i32 {
  const endpoint = callEndpoint();
  return bindSide(endpoint.high, endpoint.low, v6Only != 0);
}

/** Who serves traffic to the address in the call area's endpoint: a Side. */
export function sideOfRoute(): i32 {
  const endpoint = callEndpoint();
  return routeSide(endpoint.high, endpoint.low);
}

/** A thread that slept in the kernel is awake again: bits of Wake, none: its time had come. */
export function wokenBy(by: u32): void {
  countWake(by);
}

/** A socket goes to the kernel: counts why. `reason` is a FallbackReason. */
export function fallback(reason: u32): void {
  assert(reason < <u32>FallbackReason.count);
  countFallback(reason);
}

/** When tick() and output() want to be called next; u64.MAX_VALUE for never. */
export function nextDeadline(): u64 {
  const soon = min(min(loopDeadline(), injectDeadline()), min(rateDeadline(), announceDeadline()));
  return min(wheelNext(), soon);
}

/**
 * Closed connections whose peer has not acknowledged everything yet: a process should not end before there
 * are none.
 */
export function unfinished(): u32 {
  return tcpUnfinished();
}

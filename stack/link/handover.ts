import { Port, RX_SEEN_SHIFT, RxFlag, RxFrame, rxFrame } from "../memory/port";
import { root } from "../memory/root";
import { Counter, countBy } from "../stats/counters";
import { linkInput } from "./input";
import { kernelGets, kernelSends } from "./kernel-port";

/**
 * Several stacks of a process have one address, each its own queue of the device. A frame may arrive in the
 * queue of a stack whose sockets don't want it: it goes to the next stack, before anything is answered, until
 * it has been to all of them; only the last one answers. What concerns all (ARP, broadcasts, fragments) goes
 * to all, and only the first one answers. Where the kernel shares the address (link/kernel-port.ts), what no
 * stack wants goes on to the first one, which has the kernel's device.
 */

/**
 * The frame goes to the next stack as well, when this call returns; false when every stack has seen it, or it
 * came from a port that knows whose it is.
 */
export function handOver(): bool {
  const r = root();
  if (r.mayFollow == 0) return false;
  r.handedOn = 1;
  return true;
}

/** Whether this stack was the first to see the frame. */
export function isFirstToSee(): bool {
  return root().seenBefore == 0;
}

/** Whether every stack gets the frame that is being received: it, or what it is a part of. */
export function goesEverywhere(): bool {
  return handOver() || !isFirstToSee();
}

/** Whether nobody is to be told that a packet found no socket here, since another stack may want it. */
export function othersMayWant(flags: u32): bool {
  return (flags & RxFlag.everywhere) != 0 || handOver();
}

/** Whether this stack is the one that answers a packet that all of them have. */
export function answersForAll(flags: u32): bool {
  return (flags & RxFlag.everywhere) == 0 || root().stackIndex == 0;
}

/** A socket of this stack wants the frame that is being received, or the stack does, whatever others say. */
export function claimFrame(): void {
  if (root().stackCount > 1) root().claimed = RxFlag.claimed;
}

/** Whether this stack, or one before it, has claimed the frame that is being received. */
export function isClaimed(): bool {
  return root().claimed != 0;
}

/** No stack wants the frame that is being received, and the kernel's device is another one's. */
export function passToDevice(): void {
  root().handedOn = 1;
}

function takeIn(p: Port, frame: RxFrame): void {
  const r = root();
  if (r.seenBefore >= r.stackCount) kernelGets(p, frame.address, frame.length);
  else if ((frame.flags & RxFlag.fromKernel) != 0) kernelSends(p, frame.address, frame.length);
  else linkInput(p, frame.address, frame.length, frame.wireLength, frame.flags);
}

/**
 * Takes `frames` received frames in, as one of several stacks. Answers how many go on to the next one: those
 * whose flags then have a number from RX_SEEN_SHIFT on.
 */
export function receiveShared(p: Port, frames: u32): u32 {
  const r = root();
  let handed: u32 = 0;
  for (let i: u32 = 0; i < frames; i++) {
    const frame = rxFrame(p, i);
    if (p.id + 1 == r.kernel) frame.flags = RxFlag.fromKernel;
    r.claimed = frame.flags & RxFlag.claimed;
    r.seenBefore = (frame.flags >> RX_SEEN_SHIFT) & 0xff;
    r.mayFollow = r.seenBefore + 1 < r.stackCount ? r.stackCount - 1 - r.seenBefore : 0;
    r.handedOn = 0;
    takeIn(p, frame);
    frame.flags = (frame.flags & 0xff) | r.claimed;
    if (r.handedOn != 0) frame.flags |= (r.seenBefore + 1) << RX_SEEN_SHIFT;
    handed += r.handedOn;
  }
  r.seenBefore = 0;
  r.mayFollow = 0;
  r.claimed = 0;
  countBy(Counter.framesHandedOn, handed);
  return handed;
}

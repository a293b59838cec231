/** Region and receive ring lie below this together, in MiB. */
const ADDRESSES: f64 = 4095;
/** Port packet (lstack/port/packet.c) has slots of 17 pages in blocks of 1 MiB. */
const SLOTS_PER_BLOCK: f64 = 15;

/** MiB that a region can have beside the receive ring of `slots` descriptors of port packet. */
export function largestRegion(slots: f64): f64 {
  return ADDRESSES - Math.ceil(slots / SLOTS_PER_BLOCK);
}

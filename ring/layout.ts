/**
 * The shared part of a ring: memif version 2, as DPDK and VPP speak it. Indexes are 16 bits wide, run freely,
 * and are masked by the number of slots.
 *
 *   0   u32 cookie
 *   4   u16 flags        written by the consumer
 *   6   u16 head         written by the client
 *   8   u16 room wanted  written by the producer; reserved in memif, an addition between Gazelle's ends
 *   64  u16 tail         written by the server
 *   128 descriptors of 16 bytes: u16 flags, u16 region, u32 length, u32 offset, u32 metadata
 */
export const RING_COOKIE: u32 = 0x3e31f20;
export const RING_FLAGS: usize = 4;
export const RING_HEAD: usize = 6;
export const RING_ROOM_WANTED: usize = 8;
export const RING_TAIL: usize = 64;
export const RING_DESCRIPTORS: usize = 128;
export const DESCRIPTOR_SIZE: usize = 16;

/** In the ring's flags: the consumer polls, an interrupt would be wasted. */
export const FLAG_MASK_INTERRUPT: u32 = 1;
/** In a descriptor's flags: the frame goes on in the next slot. */
export const DESCRIPTOR_NEXT: u64 = 1;

/** Most slots of a ring: indexes of 16 bits must tell a full ring from an empty one, and a jump from both. */
export const SLOTS_MAX: u32 = 1 << 14;
/** Most slots of one frame: a super-frame with its headers in buffers of 2048 bytes, and one to spare. */
export const CHAIN_MAX: u32 = 34;
/** Longest frame: an IP packet of 65535 bytes behind virtio-net and Ethernet headers with two VLAN tags. */
export const FRAME_MAX: u32 = 65535 + 22 + 10;

/** Bytes of a ring with `slots` slots. */
export function ringSize(slots: u32): u32 {
  return <u32>RING_DESCRIPTORS + slots * <u32>DESCRIPTOR_SIZE;
}

/** Address of the descriptor that index `position` falls into. */
export function descriptorAt(ring: usize, mask: u32, position: u32): usize {
  return ring + RING_DESCRIPTORS + <usize>(position & mask) * DESCRIPTOR_SIZE;
}

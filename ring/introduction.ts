/**
 * How ltran introduces two of its clients, so that they have a ring of their own (docs/control-protocol.md):
 * messages over their registration sockets, all of one struct. The one that offers makes the region and is
 * the ring's client, the other one its server.
 */

/** One message of an introduction. What its kind does not need is zero. */
@unmanaged
export class Introduction {
  magic: u32;
  version: u16;
  kind: u16;
  /** Bytes of the message. */
  size: u32;
  /** ltran's number of this introduction; clients repeat it. */
  number: u32;
  /** The peer: hardware address in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Its address, 16 bytes (IPv4 as ::ffff:a.b.c.d), network byte order. */
  addressHigh: u64;
  addressLow: u64;
  /** Who it is, as the kernel says. */
  pid: u32;
  uid: u32;
  gid: u32;
  /** The region: slots of each ring, bytes of a buffer, bytes altogether. */
  slots: u32;
  bufferSize: u32;
  /** Which of the peer's stacks it is, and how many the peer has. */
  stackIndex: u16;
  stackCount: u16;
  regionSize: u64;
}

export const INTRODUCTION_SIZE: u32 = <u32>offsetof<Introduction>();

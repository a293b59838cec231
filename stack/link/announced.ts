/**
 * Extended by what is announced to ltran: a socket that listens, or is bound for datagrams. It remembers what
 * ltran was told, so that one that changes, or is closed, before there was room in the ring is not forgotten.
 */
@unmanaged
export class Announced {
  /** The next one with something to announce. Also the free list's link. */
  announceNext: usize;
  /** The registration (root().announceEpoch) in which ltran was told of `told...`. */
  toldEpoch: u32;
  toldPort: u16;
  wantedPort: u16;
  /** What ltran was told, and what it shall know: addresses of zeros mean any. */
  toldHigh: u64;
  toldLow: u64;
  wantedHigh: u64;
  wantedLow: u64;
  announceBacklog: u32;
  toldBacklog: u32;
  announceProtocol: u8;
  /** Bits of AnnounceFlag. */
  announceFlags: u8;
}

/** What is true of something announced. */
export enum AnnounceFlag {
  /** ltran shall know `wanted...`. */
  wanted = 1,
  /** In the list of those with something to announce. */
  queued = 2,
  /** Its owner has given it up: the slot goes back to the pool when everything is said. */
  given = 4,
}

import { root } from "../memory/root";
import { sipHash } from "../random/siphash";

/**
 * A keyed hash of a four-tuple: the low half serves as F of RFC 6528, the high half as the offset of our
 * timestamps (RFC 7323, section 5.4), so that both go on rising from one connection of the same four-tuple to
 * the next.
 */
export function tupleHash(
  localHigh: u64,
  localLow: u64,
  remoteHigh: u64,
  remoteLow: u64,
  localPort: u16,
  remotePort: u16,
): u64 {
  const r = root();
  const ports = ((<u64>localPort) << 16) | <u64>remotePort;
  return sipHash(r.isnKey0, r.isnKey1, localHigh, localLow, remoteHigh, remoteLow, ports);
}

/** RFC 6528, section 3: ISN = M + F(four-tuple, key), M a clock of 4 us. */
export function initialSequence(hash: u64): u32 {
  return <u32>(root().now >> 2) + <u32>hash;
}

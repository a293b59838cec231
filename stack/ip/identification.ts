import { IDENTIFICATIONS } from "../memory/map";
import { root } from "../memory/root";
import { random } from "../random/random";
import { sipHash } from "../random/siphash";

const COUNTERS: u32 = 256;

@unmanaged
class Identification {
  next: u32;
}

/**
 * The identification of a datagram that may be fragmented: unique for as long as possible among one pair of
 * addresses and protocol (RFC 6864, section 4.3), not to be guessed by others (RFC 7739, section 5.3: a keyed
 * hash selects counter and offset), nor telling by its step how much is sent elsewhere.
 */
export function identificationFor(source: u64, destination: u64, protocol: u8): u16 {
  const r = root();
  const hash = sipHash(r.portKey0, r.portKey1, source, destination, protocol, 0x6970, 0);
  const counter = changetype<Identification>(IDENTIFICATIONS + ((<usize>(<u32>hash & (COUNTERS - 1))) << 2));
  counter.next += 1 + (<u32>(random() >> 32) & 3);
  return <u16>(counter.next + <u32>(hash >> 32));
}

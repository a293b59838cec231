import { mix } from "../../../stack/random/random";
import { root } from "../memory/root";
import { Address } from "./address";
import { Vport, VportState, vport } from "./vport";

/**
 * Who got the first fragment of a packet: the others go there too. Needed only where several vports share an
 * address, or the kernel has it, too. A table of fixed places in sets of four; the oldest of a set makes
 * room. Later fragments that overtake the first are dropped (senders send in order, and a receiver that waits
 * would have to be bounded).
 */

/** Places, a power of two; four to a set. */
export const FRAGMENT_PLACES: u32 = 1024;
const WAYS: u32 = 4;
/** How long fragments of one packet may follow each other (RFC 1122, section 3.3.2, bounds a reassembly). */
const LIFE_US: u64 = 30_000_000;

/** A packet of which the first fragment was seen. */
@unmanaged
export class Fragmented {
  /** Keyed hash of source, destination, protocol and identification: 64 bits that nobody can choose. */
  key: u64;
  seenAt: u64;
  /** Number of the vport, from one; 0: a free place. */
  owner: u32;
}

function keyOf(a: Address, sourceHigh: u64, sourceLow: u64, protocol: u8, identification: u32): u64 {
  const r = root();
  const what = ((<u64>a.id) << 40) | ((<u64>protocol) << 32) | <u64>identification;
  return mix(mix((sourceLow ^ r.choiceKey0) + mix(sourceHigh ^ r.choiceKey1)) ^ mix(what + r.tableKey));
}

function place(key: u64, way: u32): Fragmented {
  const set = <u32>(key >> 32) & (FRAGMENT_PLACES / WAYS - 1);
  return changetype<Fragmented>(root().fragments + <usize>(set * WAYS + way) * offsetof<Fragmented>());
}

/** The first fragment of a packet goes to `v`. */
export function fragmentRemember(
  a: Address,
  sourceHigh: u64,
  sourceLow: u64,
  protocol: u8,
  identification: u32,
  v: Vport,
): void {
  const key = keyOf(a, sourceHigh, sourceLow, protocol, identification);
  let chosen = place(key, 0);
  for (let way: u32 = 0; way < WAYS; way++) {
    const at = place(key, way);
    if (at.key == key) {
      chosen = at;
      break;
    }
    if (at.seenAt < chosen.seenAt) chosen = at;
  }
  chosen.key = key;
  chosen.seenAt = max<u64>(root().now, 1);
  chosen.owner = v.id + 1;
}

/** Who got the first fragment, or null (0). */
export function fragmentOwner(
  a: Address,
  sourceHigh: u64,
  sourceLow: u64,
  protocol: u8,
  identification: u32,
): Vport {
  const key = keyOf(a, sourceHigh, sourceLow, protocol, identification);
  for (let way: u32 = 0; way < WAYS; way++) {
    const at = place(key, way);
    if (at.owner == 0 || at.key != key || root().now - at.seenAt > LIFE_US) continue;
    const v = vport(at.owner - 1);
    if (v.state == VportState.open && v.address == changetype<usize>(a)) return v;
  }
  return changetype<Vport>(0);
}

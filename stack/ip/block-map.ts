/**
 * Which blocks of eight bytes of a datagram have arrived, and at which of them a fragment began: two bitmaps
 * of 8192 bits, 2 KB, which fill one packet buffer. With them a fragment costs its own length, however many
 * there are, and an exact duplicate is told from an overlap.
 */
const HALF: usize = 1024;
const BLOCKS: u32 = 8192;

@unmanaged
class Word {
  bits: u64;
}

function word(map: usize, block: u32): Word {
  return changetype<Word>(map + ((<usize>(block >> 6)) << 3));
}

/** Bits `from`..`to`-1 of one word, given within it; `to` is 1..64. */
function maskOf(from: u32, to: u32): u64 {
  return (u64.MAX_VALUE << from) & (u64.MAX_VALUE >> (64 - to));
}

/** Empties a map of 2 KB. */
export function blockMapClear(map: usize): void {
  memory.fill(map, 0, HALF * 2);
}

/** How many of the blocks `first`..`end`-1 have arrived. */
export function blockMapHeld(map: usize, first: u32, end: u32): u32 {
  let held: u32 = 0;
  let at = first;
  while (at < end) {
    const next = min((at | 63) + 1, end);
    held += <u32>popcnt<u64>(word(map, at).bits & maskOf(at & 63, ((next - 1) & 63) + 1));
    at = next;
  }
  return held;
}

/** Whether the blocks `first`..`end`-1 are those of one fragment that has arrived, no more and no less. */
export function blockMapIsFragment(map: usize, first: u32, end: u32): bool {
  const starts = map + HALF;
  if (blockMapHeld(map, first, end) != end - first) return false;
  if (blockMapHeld(starts, first, end) != 1 || blockMapHeld(starts, first, first + 1) != 1) return false;
  if (end == BLOCKS) return true;
  return blockMapHeld(map, end, end + 1) == 0 || blockMapHeld(starts, end, end + 1) == 1;
}

/** Notes a fragment of the blocks `first`..`end`-1. */
export function blockMapAdd(map: usize, first: u32, end: u32): void {
  const starts = word(map + HALF, first);
  starts.bits = starts.bits | ((<u64>1) << (first & 63));
  let at = first;
  while (at < end) {
    const next = min((at | 63) + 1, end);
    const w = word(map, at);
    w.bits = w.bits | maskOf(at & 63, ((next - 1) & 63) + 1);
    at = next;
  }
}

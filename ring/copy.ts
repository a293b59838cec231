/** From here on the library's copy is faster than moves of 16 bytes. */
const BULK: u32 = 256;

/** Copies `length` bytes, any number, between areas that do not overlap. */
export function copyBytes(to: usize, from: usize, length: u32): void {
  if (length > BULK) {
    memory.copy(to, from, length);
    return;
  }
  if (length < 16) {
    copyFew(to, from, length);
    return;
  }
  const last: usize = <usize>length - 16;
  for (let at: usize = 0; at < last; at += 16) copy16(to + at, from + at);
  // The last move overlaps the one before instead of splitting into smaller ones.
  copy16(to + last, from + last);
}

/** 16 bytes, both loads first. */
function copy16(to: usize, from: usize): void {
  const low = load<u64>(from);
  const high = load<u64>(from, 8);
  store<u64>(to, low);
  store<u64>(to, high, 8);
}

/** Fewer than 16 bytes. */
function copyFew(to: usize, from: usize, length: u32): void {
  let at: usize = 0;
  if ((length & 8) != 0) {
    store<u64>(to, load<u64>(from));
    at = 8;
  }
  if ((length & 4) != 0) {
    store<u32>(to + at, load<u32>(from + at));
    at += 4;
  }
  if ((length & 2) != 0) {
    store<u16>(to + at, load<u16>(from + at));
    at += 2;
  }
  if ((length & 1) != 0) store<u8>(to + at, load<u8>(from + at));
}

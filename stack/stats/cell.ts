/** One counter: a u64 with a single writer, the lock's holder. */
@unmanaged
class Cell {
  value: u64;
}

/** Adds `by` to cell `index` of the table at `base`; answers what it is then. */
export function cellAdd(base: usize, index: u32, by: u64): u64 {
  const cell = changetype<Cell>(base + ((<usize>index) << 3));
  cell.value = cell.value + by;
  return cell.value;
}

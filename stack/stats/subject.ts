import { root } from "../memory/root";

/** What the journal notes with a reason: what is being dealt with when the reason is counted. */

/** A received frame is looked at, `length` bytes at `address`; 0 of 0: no longer. */
export function aboutFrame(address: usize, length: u32): void {
  const r = root();
  r.frame = address;
  r.frameLength = length;
  r.captured = 0;
}

/** A connection acts by itself: `name` is the address of its name (tcp/name.ts); 0: no longer. */
export function aboutConnection(name: usize): void {
  root().connection = name;
}

/** A piece of a frame in linear memory: the stack's and the shell's spans look the same. */
@unmanaged
export class RingSpan {
  address: u32;
  length: u32;
}

/** Span `index` of a list. */
export function spanAt(spans: usize, index: u32): RingSpan {
  return changetype<RingSpan>(spans + <usize>index * offsetof<RingSpan>());
}

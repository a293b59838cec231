/** Putting a frame together from spans, piece by piece; where it stands is kept in the end. */
import { copyBytes } from "./copy";
import { RingEnd } from "./end";
import { spanAt } from "./span";

/** Bytes of all spans: at most FRAME_MAX, checked by who made them. */
export function spansLength(spans: usize, spanCount: u32): u32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < spanCount; i++) total += spanAt(spans, i).length;
  return total;
}

/** Back to the first byte. */
export function gatherStart(end: RingEnd): void {
  end.cursorSpan = 0;
  end.cursorOffset = 0;
}

/** Copies the next `length` bytes of the spans to `to`; the spans must hold as many. */
export function gather(end: RingEnd, spans: usize, to: usize, length: u32): void {
  let done: u32 = 0;
  while (done < length) {
    const span = spanAt(spans, end.cursorSpan);
    const part = min<u32>(span.length - end.cursorOffset, length - done);
    copyBytes(to + <usize>done, <usize>span.address + <usize>end.cursorOffset, part);
    done += part;
    end.cursorOffset += part;
    if (end.cursorOffset == span.length) {
      end.cursorSpan += 1;
      end.cursorOffset = 0;
    }
  }
}

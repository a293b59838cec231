import { Buffer, bufferData } from "./buffer";
import { call, callSpan } from "./call";
import { CALL_SPANS } from "./map";

/**
 * Fills the call's spans with up to `length` bytes of a chain from `offset` on; answers how many bytes they
 * hold. `chain` may be 0.
 */
export function chainSpans(chain: usize, offset: u32, length: u32): u32 {
  let skip = offset;
  let done: u32 = 0;
  let spans: u32 = 0;
  let at = chain;
  while (at != 0 && done < length && spans < CALL_SPANS) {
    const buffer = changetype<Buffer>(at);
    at = buffer.next;
    if (skip >= buffer.length) {
      skip -= buffer.length;
      continue;
    }
    const part = min(<u32>buffer.length - skip, length - done);
    const span = callSpan(spans++);
    span.address = <u32>(bufferData(buffer) + skip);
    span.length = part;
    skip = 0;
    done += part;
  }
  call().spanCount = spans;
  return done;
}

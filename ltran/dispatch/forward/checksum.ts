import { checksumAdd, checksumAddAt, checksumFold } from "../../../stack/wire/checksum";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import { PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { Counter, count } from "../stats/counters";
import { Frame, frameSpan } from "./frame";

/**
 * The checksum, in memory order, of a frame whose field holds the pseudo-header's sum. What the sender
 * changes meanwhile spoils his own frame only.
 */
export function checksumComplete(f: Frame): u16 {
  const inHead = f.headLength - f.checksumStart;
  let sum = checksumAdd(0, f.head + <usize>f.checksumStart, inHead);
  let offset = inHead;
  for (let i: u32 = 0; i < f.spanCount; i++) {
    const span = frameSpan(f, i);
    sum = checksumAddAt(sum, <usize>span.address, span.length, offset);
    offset += span.length;
  }
  count(Counter.checksumsCompleted);
  const checksum: u16 = ~checksumFold(sum);
  // RFC 768: of a datagram zero would say that there is none.
  return checksum == 0 && f.protocol == <u32>PROTOCOL_UDP ? 0xffff : checksum;
}

/** Whether a partial checksum is about the whole of a packet, and its field lies in the head. */
export function checksumIsPlaced(f: Frame): bool {
  return (
    f.length == ETHERNET_HEADER + f.packetLength &&
    f.checksumStart < f.headLength &&
    f.checksumOffset < f.headLength &&
    f.checksumStart + f.checksumOffset + 2 <= f.headLength
  );
}

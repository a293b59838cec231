import { EMSGSIZE, ENOBUFS } from "../../build/generated/system";
import { Neighbour } from "../link/neighbours";
import { txAppendRange, txEthernet, txFree, txPublish, txReserve } from "../link/transmit";
import { chainGive } from "../memory/buffer";
import { txHeader } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetWrite } from "../wire/ethernet";
import { IPV4_HEADER, IPV4_MORE_FRAGMENTS, ipv4Begin, ipv4Finish } from "../wire/ipv4";
import { TX_IP } from "./output";

/**
 * Sends a datagram of `length` bytes behind the IP header as fragments (RFC 791, section 3.2): all of them,
 * or none when the ring has not enough room. The payload is not copied: each fragment's spans lie in the
 * chain, which goes with the last one. Answers 0, -ENOBUFS, or -EMSGSIZE on a link whose MTU leaves no room
 * for a fragment.
 */
export function fragmentsSend(
  n: Neighbour,
  source: u32,
  destination: u32,
  protocol: u8,
  tos: u8,
  ttl: u8,
  id: u16,
  chain: usize,
  length: u32,
): i32 {
  const p = n.port;
  const room = p.mtu < IPV4_HEADER + 8 ? 0 : (p.mtu - IPV4_HEADER) & ~7;
  if (room == 0) {
    chainGive(chain);
    return -EMSGSIZE;
  }
  if (txFree(p) < (length + room - 1) / room) {
    drop(DropReason.txRingFull);
    chainGive(chain);
    return -ENOBUFS;
  }
  let offset: u32 = 0;
  while (offset < length) {
    const part = min(room, length - offset);
    const isLast = offset + part == length;
    const slot = txReserve(p);
    const ip = txHeader(slot) + TX_IP;
    ipv4Begin(ip, tos, ttl, protocol, source, destination);
    ipv4Finish(ip, IPV4_HEADER + part, id, <u16>((offset >> 3) | (isLast ? 0 : <u32>IPV4_MORE_FRAGMENTS)));
    ethernetWrite(txEthernet(slot), n.mac, p.mac, ETHERTYPE_IPV4);
    slot.headerLength = <u16>(ETHERNET_HEADER + IPV4_HEADER);
    txAppendRange(slot, chain, offset, part);
    if (isLast) slot.owned = <u32>chain;
    txPublish(p, slot);
    count(Counter.ipFragmentsOut);
    offset += part;
  }
  count(Counter.ipFragmented);
  count(Counter.ipOut);
  return 0;
}

import { txFree } from "../../../stack/link/transmit";
import { Port, port } from "../../../stack/memory/port";
import { mix } from "../../../stack/random/random";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetType } from "../../../stack/wire/ethernet";
import {
  IPV4_HEADER,
  IPV4_MORE_FRAGMENTS,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../stack/wire/ipv4";
import { udpDestinationPort, udpSourcePort } from "../../../stack/wire/udp";
import { Frame } from "../forward/frame";
import { root } from "../memory/root";
import { albChoice } from "./alb";
import { BondMode, spreadOver } from "./member";

/** By which NIC a frame leaves. */

/** Addresses and ports of a packet, 0 when it is none of IPv4; of a fragment the addresses. */
function flowHash(f: Frame): u32 {
  const packet = f.head + ETHERNET_HEADER;
  if (ethernetType(f.head) != ETHERTYPE_IPV4 || f.headLength < ETHERNET_HEADER + IPV4_HEADER + 4) return 0;
  let key = ((<u64>ipv4Source(packet)) << 32) | <u64>ipv4Destination(packet);
  // TCP has its ports where UDP has them.
  const protocol = ipv4Protocol(packet);
  const hasPorts = protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
  const isWhole = (ipv4Fragment(packet) & (IPV4_OFFSET_MASK | IPV4_MORE_FRAGMENTS)) == 0;
  const header = ipv4HeaderLength(packet);
  if (hasPorts && isWhole && ETHERNET_HEADER + header + 4 <= f.headLength) {
    const ports = packet + <usize>header;
    key = mix(key ^ root().tableKey) + (((<u64>udpSourcePort(ports)) << 16) | <u64>udpDestinationPort(ports));
  }
  return <u32>(mix(key ^ root().tableKey) >> 32);
}

/** The NIC that a frame leaves by, or null (0) when there is none now. */
export function nicFor(f: Frame): Port {
  const r = root();
  if (r.spread > 1) {
    const hash = flowHash(f);
    if (r.bondMode == BondMode.adaptive) return albChoice(f, hash);
    return spreadOver(<u32>((<u64>hash * r.spread) >> 32));
  }
  if (r.nics == 0 || r.bondSilent != 0) return changetype<Port>(0);
  const p = port(r.activeNic);
  return p.linkUp != 0 ? p : changetype<Port>(0);
}

/** Whether a frame would be taken now, by whatever NIC: there is room, or none, so that it is dropped. */
export function nicHasRoom(): bool {
  const r = root();
  if (r.spread <= 1) {
    const isClosed = r.nics == 0 || r.bondSilent != 0 || port(r.activeNic).linkUp == 0;
    return isClosed || txFree(port(r.activeNic)) > 0;
  }
  for (let index: u32 = 0; index < r.spread; index++) {
    if (txFree(spreadOver(index)) == 0) return false;
  }
  return true;
}

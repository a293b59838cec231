import { txFree } from "../../../stack/link/transmit";
import { Port, port } from "../../../stack/memory/port";
import { mix } from "../../../stack/random/random";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ethernetType } from "../../../stack/wire/ethernet";
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
import {
  IPV6_HEADER,
  ipv6DestinationHigh,
  ipv6DestinationLow,
  ipv6NextHeader,
  ipv6SourceHigh,
  ipv6SourceLow,
} from "../../../stack/wire/ipv6";
import { udpDestinationPort, udpSourcePort } from "../../../stack/wire/udp";
import { Frame } from "../forward/frame";
import { root } from "../memory/root";
import { albChoice } from "./alb";
import { Bond, bondOf } from "./bond";
import { BondMode, spreadChoice, spreadOver } from "./member";

/** By which NIC a frame leaves. */

/** Bytes of both ports, where TCP has them and UDP. */
const PORTS: u32 = 4;

function hasPorts(protocol: u8): bool {
  return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

/** `key` with the ports at `ports` in it. */
function withPorts(key: u64, ports: usize): u64 {
  const both = ((<u64>udpSourcePort(ports)) << 16) | <u64>udpDestinationPort(ports);
  return mix(key ^ root().tableKey) + both;
}

/** The addresses of an IPv6 packet, and the ports, if no extension header is in front of them. */
function flowKey6(packet: usize): u64 {
  const r = root();
  let key = mix(ipv6SourceHigh(packet) ^ r.tableKey) + ipv6SourceLow(packet);
  key = mix(key ^ r.tableKey) + ipv6DestinationHigh(packet);
  key = mix(key ^ r.tableKey) + ipv6DestinationLow(packet);
  return hasPorts(ipv6NextHeader(packet)) ? withPorts(key, packet + <usize>IPV6_HEADER) : key;
}

/** The addresses of an IPv4 packet, and the ports, if it is no fragment. */
function flowKey4(packet: usize, present: u32): u64 {
  const key = ((<u64>ipv4Source(packet)) << 32) | <u64>ipv4Destination(packet);
  const isWhole = (ipv4Fragment(packet) & (IPV4_OFFSET_MASK | IPV4_MORE_FRAGMENTS)) == 0;
  const header = ipv4HeaderLength(packet);
  const isThere = hasPorts(ipv4Protocol(packet)) && isWhole && header + PORTS <= present;
  return isThere ? withPorts(key, packet + <usize>header) : key;
}

/** Addresses and ports of a packet, 0 when it is none of IP; of a fragment the addresses. */
function flowHash(f: Frame): u32 {
  const packet = f.head + ETHERNET_HEADER;
  const present = f.headLength - ETHERNET_HEADER;
  const type = ethernetType(f.head);
  let key: u64 = 0;
  if (type == ETHERTYPE_IPV4 && present >= IPV4_HEADER + PORTS) key = flowKey4(packet, present);
  else if (type == ETHERTYPE_IPV6 && present >= IPV6_HEADER + PORTS) key = flowKey6(packet);
  else return 0;
  return <u32>(mix(key ^ root().tableKey) >> 32);
}

/** The NIC that a frame leaves by, or null (0) when there is none now. */
export function nicFor(f: Frame): Port {
  const b = bondOf(f.network);
  if (b.spread > 1) {
    const hash = flowHash(f);
    return root().bondMode == BondMode.adaptive ? albChoice(b, f, hash) : spreadChoice(b, hash);
  }
  if (b.nics == 0 || b.isSilent != 0) return changetype<Port>(0);
  const p = port(b.activeNic);
  return p.linkUp != 0 ? p : changetype<Port>(0);
}

/** Whether a bond takes a frame now, by whatever NIC: there is room, or no link, so that it is dropped. */
export function nicHasRoom(b: Bond): bool {
  if (b.spread <= 1) {
    const isClosed = b.nics == 0 || b.isSilent != 0 || port(b.activeNic).linkUp == 0;
    return isClosed || txFree(port(b.activeNic)) > 0;
  }
  for (let index: u32 = 0; index < b.spread; index++) {
    if (txFree(spreadOver(b, index)) == 0) return false;
  }
  return true;
}

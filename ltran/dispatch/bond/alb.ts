import { Port, PortFlag, port, RxFrame } from "../../../stack/memory/port";
import { mix } from "../../../stack/random/random";
import {
  ARP_LENGTH,
  ARP_REQUEST,
  arpIsEthernetIpv4,
  arpOperation,
  arpSenderAddress,
  arpSetSenderMac,
  arpTargetAddress,
} from "../../../stack/wire/arp";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ethernetDestination,
  ethernetSetDestination,
  ethernetSetSource,
  ethernetType,
  isGroupMac,
} from "../../../stack/wire/ethernet";
import { icmpType } from "../../../stack/wire/icmp";
import { Icmpv6Type } from "../../../stack/wire/icmpv6";
import {
  LINK_OPTION,
  linkOptionSetMac,
  neighbourLinkOption,
  neighbourOptionsAt,
} from "../../../stack/wire/neighbour-discovery";
import { VIRTIO_NET_HEADER } from "../../../stack/wire/virtio-net";
import { Frame } from "../forward/frame";
import { isNeighbourDiscovery } from "../forward/neighbour";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { announceAll } from "./announce";
import { Bond, bondOf } from "./bond";
import { member, spreadAdd, spreadChoice, spreadOver } from "./member";

/**
 * Mode 6, adaptive load balancing: needs nothing from the other end. What is sent is spread over all NICs
 * with a link, each with its own hardware address as the source. Peers are told the address of one NIC or
 * another in answers to their ARP requests, and so send to that one. What is for groups goes by the active
 * NIC.
 */

/** The ARP packet of a frame, or 0 when it has none. */
function arpOf(f: Frame): usize {
  if (ethernetType(f.head) != ETHERTYPE_ARP || f.headLength < ETHERNET_HEADER + ARP_LENGTH) return 0;
  const packet = f.head + ETHERNET_HEADER;
  return arpIsEthernetIpv4(packet) ? packet : 0;
}

/** The NIC that those who asked for an address are told, by a hash of both addresses. */
function toldNic(b: Bond, who: u64): Port {
  return spreadChoice(b, <u32>(mix(who ^ root().tableKey) >> 32));
}

/** The NIC of a bond that a frame leaves by, `hash` being that of its flow. */
export function albChoice(b: Bond, f: Frame, hash: u32): Port {
  if (isGroupMac(ethernetDestination(f.head))) return port(b.activeNic);
  if (isNeighbourDiscovery(f)) {
    // As with ARP: who asks tells his own address, too, which stays the active NIC's.
    const isAnswer = icmpType(f.transport) == <u8>Icmpv6Type.neighbourAdvertisement;
    return isAnswer ? toldNic(b, hash) : port(b.activeNic);
  }
  if (ethernetType(f.head) != ETHERTYPE_ARP) return spreadChoice(b, hash);
  const packet = arpOf(f);
  if (packet == 0 || arpOperation(packet) == ARP_REQUEST) return port(b.activeNic);
  return toldNic(b, ((<u64>arpTargetAddress(packet)) << 32) | <u64>arpSenderAddress(packet));
}

/** Puts the hardware address of a NIC into the options of a copy, at `message`, of neighbour discovery. */
function signNeighbour(f: Frame, message: usize, mac: u64): void {
  const end = message + <usize>f.transportLength;
  const options = message + <usize>neighbourOptionsAt(icmpType(f.transport));
  let option = neighbourLinkOption(options, end);
  while (option != 0) {
    linkOptionSetMac(message, option, mac);
    option = neighbourLinkOption(option + <usize>LINK_OPTION, end);
  }
}

/** A frame at `ethernet`, ready to leave by NIC `p`, gets the hardware address of that NIC. */
export function albSign(p: Port, ethernet: usize, f: Frame, tag: u32): void {
  const own = member(p.id).ownMac;
  if (p.id == bondOf(f.network).activeNic || own == 0) return;
  ethernetSetSource(ethernet, own);
  if (arpOf(f) != 0) arpSetSenderMac(ethernet + ETHERNET_HEADER + <usize>tag, own);
  const at = <u32>(f.transport - f.head);
  if (isNeighbourDiscovery(f)) signNeighbour(f, ethernet + <usize>(at + tag), own);
}

/** Whether a received frame counts: one for a group does where the active NIC receives it. */
export function albTakes(b: Bond, p: Port, rx: RxFrame): bool {
  const skipped = (p.flags & PortFlag.vnetHeader) != 0 ? VIRTIO_NET_HEADER : 0;
  if (rx.length < skipped + ETHERNET_HEADER) return true;
  const frame = <usize>rx.address + <usize>skipped;
  const destination = ethernetDestination(frame);
  if (isGroupMac(destination)) return p.id == b.activeNic;
  // Programs know the address of the bond only.
  if (destination == member(p.id).ownMac) ethernetSetDestination(frame, p.mac);
  return true;
}

/** Some NIC of a bond gained or lost its link. */
export function albLink(b: Bond, isLost: bool): void {
  const before = b.activeNic;
  b.spread = 0;
  for (let nic = b.first; nic < b.first + b.nics; nic++) {
    if (port(nic).linkUp != 0) spreadAdd(b, nic);
  }
  if (port(b.activeNic).linkUp == 0 && b.spread > 0) b.activeNic = spreadOver(b, 0).id;
  if (b.activeNic != before) count(Counter.switchOvers);
  // Peers that send to the NIC that was lost learn the address of the active one.
  if (isLost && b.spread > 0) announceAll(b);
}

import {
  ALL_NODES_HIGH,
  ALL_NODES_LOW,
  isIpv6Host,
  isIpv6Multicast,
  isIpv6Unspecified,
} from "../../../stack/wire/address";
import {
  ETHERNET_HEADER,
  ETHERTYPE_IPV6,
  ethernetDestination,
  ethernetSetDestination,
  ethernetWrite,
  isGroupMac,
  multicastMac6,
} from "../../../stack/wire/ethernet";
import { icmpCode, icmpType } from "../../../stack/wire/icmp";
import {
  Icmpv6Type,
  icmpv6Finish,
  icmpv6IsListenerReport,
  icmpv6IsNeighbourDiscovery,
  icmpv6Write,
} from "../../../stack/wire/icmpv6";
import { IPV6_HEADER, ipv6HopLimit, ipv6Write, PROTOCOL_ICMPV6 } from "../../../stack/wire/ipv6";
import {
  LINK_OPTION,
  linkOptionIsEthernet,
  linkOptionMac,
  NEIGHBOUR_HOP_LIMIT,
  NEIGHBOUR_MESSAGE,
  neighbourIsSolicited,
  neighbourLinkOption,
  neighbourOptionsAreWhole,
  neighbourOptionsAt,
  neighbourTargetHigh,
  neighbourTargetLow,
  neighbourWriteAdvertisement,
} from "../../../stack/wire/neighbour-discovery";
import { DropReason } from "../stats/drop";
import { Address, addressFind } from "../tables/address";
import { Vport } from "../tables/vport";
import { deliverAll, deliverEach } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { isIcmp } from "./icmp";
import { discard, isLaterFragment } from "./parse";
import { kernelHears, toKernel } from "./to-kernel";
import { toNic } from "./to-nic";

/** Neighbour discovery (RFC 4861), which is to IPv6 what ARP is to IPv4. */

/** Whether a packet has a message of neighbour discovery. */
export function isNeighbourDiscovery(f: Frame): bool {
  if (f.isIpv6 == 0 || isLaterFragment(f) || !isIcmp(f)) return false;
  return icmpv6IsNeighbourDiscovery(icmpType(f.transport));
}

/** Whether a packet without a source says which groups a host listens to (RFC 3810, section 5.2.13). */
export function isSourcelessReport(f: Frame): bool {
  if (f.isIpv6 == 0 || !isIpv6Unspecified(f.sourceHigh, f.sourceLow) || isLaterFragment(f)) return false;
  if (!isIpv6Multicast(f.destinationHigh) || !isIcmp(f)) return false;
  return icmpv6IsListenerReport(icmpType(f.transport));
}

function isSolicitation(f: Frame): bool {
  return icmpType(f.transport) == <u8>Icmpv6Type.neighbourSolicitation;
}

function isAdvertisement(f: Frame): bool {
  return icmpType(f.transport) == <u8>Icmpv6Type.neighbourAdvertisement;
}

/** The address that a solicitation or an advertisement is about, or null (0): nobody has it here. */
function targetOf(f: Frame): Address {
  return addressFind(neighbourTargetHigh(f.transport), neighbourTargetLow(f.transport), f.network);
}

/**
 * Whether a message was not forwarded, is no fragment (RFC 6980), lies in the head as a whole, and has the
 * form of its type (RFC 4861, sections 7.1.1 and 7.1.2); discarded if not.
 */
function isSound(f: Frame): bool {
  const least = neighbourOptionsAt(icmpType(f.transport));
  const isWhole = ETHERNET_HEADER + f.packetLength <= f.headLength && f.isFragment == 0;
  const fits = isWhole && ipv6HopLimit(f.packet) == NEIGHBOUR_HOP_LIMIT && f.transportLength >= least;
  if (fits && icmpCode(f.transport) == 0) {
    const hasTarget = isSolicitation(f) || isAdvertisement(f);
    const isHost = isIpv6Host(neighbourTargetHigh(f.transport), neighbourTargetLow(f.transport));
    const isLost =
      isAdvertisement(f) && isIpv6Multicast(f.destinationHigh) && neighbourIsSolicited(f.transport);
    const options = f.transport + <usize>least;
    if ((isHost || !hasTarget) && !isLost && neighbourOptionsAreWhole(options, f.transportLength - least))
      return true;
  }
  discard(f, DropReason.neighbourMalformed);
  return false;
}

/** Whether no option of a sound message names another hardware address than `mac`, or any, if it may not. */
function namesOnly(f: Frame, mac: u64, mayName: bool): bool {
  const end = f.transport + <usize>f.transportLength;
  let at = neighbourLinkOption(f.transport + <usize>neighbourOptionsAt(icmpType(f.transport)), end);
  while (at != 0) {
    if (!mayName || !linkOptionIsEthernet(at) || linkOptionMac(at) != mac) return false;
    at = neighbourLinkOption(at + <usize>LINK_OPTION, end);
  }
  return true;
}

/**
 * Whether a sound message of a host with address `own` is about itself only: with that address as its source,
 * or without one where it has none yet (RFC 4861, section 4.3), and with its own hardware address.
 */
function isOwn(f: Frame, own: Address): bool {
  const type = icmpType(f.transport);
  const isNameless = isIpv6Unspecified(f.sourceHigh, f.sourceLow);
  if (!isNameless && (f.sourceHigh != own.high || f.sourceLow != own.low)) return false;
  if (!namesOnly(f, own.mac, !isNameless)) return false;
  if (type == <u8>Icmpv6Type.routerSolicitation) return true;
  const isTarget = targetOf(f) == own;
  if (type == <u8>Icmpv6Type.neighbourAdvertisement) return isTarget && !isNameless;
  return type == <u8>Icmpv6Type.neighbourSolicitation && (isTarget || !isNameless);
}

/** A sound message from a NIC. */
export function neighbourFromNic(f: Frame): void {
  if (!isSound(f)) return;
  const isGroup = isGroupMac(ethernetDestination(f.head));
  const target = isSolicitation(f) || isAdvertisement(f) ? targetOf(f) : changetype<Address>(0);
  if (isGroup && !isSolicitation(f)) {
    deliverAll(f);
    // The kernel would take it for another host with its own address.
    if (kernelHears(f) && !(changetype<usize>(target) != 0 && target.kernel != 0)) toKernel(f);
    return;
  }
  const a = isSolicitation(f) ? target : addressFind(f.destinationHigh, f.destinationLow, f.network);
  if (changetype<usize>(a) == 0 || (a.vports == 0 && a.kernel == 0)) {
    discard(f, DropReason.neighbourNotOurs);
    return;
  }
  deliverEach(f, a, isSolicitation(f));
  // One answer is enough: the kernel's, when there is no vport.
  if (a.kernel != 0 && (!isSolicitation(f) || a.vports == 0)) toKernel(f);
}

/** Sends a message on that was found to be its sender's, who has address `own`. */
function send(f: Frame, own: Address): void {
  if (!isSolicitation(f) && isIpv6Multicast(f.destinationHigh)) {
    deliverAll(f);
    toNic(f);
    return;
  }
  const a = isSolicitation(f) ? targetOf(f) : addressFind(f.destinationHigh, f.destinationLow, f.network);
  // Who asks about his own address asks whether anybody else has it: others here cannot.
  const isLocal = changetype<usize>(a) != 0 && a != own && (a.vports != 0 || a.kernel != 0);
  if (!isLocal) {
    toNic(f);
    return;
  }
  ethernetSetDestination(f.head, a.mac);
  deliverEach(f, a, isSolicitation(f));
  const isAnswered = isSolicitation(f) && a.vports != 0;
  if (a.kernel != 0 && f.isKernel == 0 && !isAnswered) toKernel(f);
}

/** A message that a vport sends: about itself only. */
export function neighbourFromVport(v: Vport, f: Frame): void {
  if (!isSound(f)) return;
  const own = changetype<Address>(v.address);
  if (isOwn(f, own)) send(f, own);
  else discard(f, DropReason.foreignNeighbour);
}

/** A message that the kernel sends: about addresses it has, of which it answers for those without vports. */
export function neighbourFromKernel(f: Frame): void {
  if (!isSound(f)) return;
  const own = addressFind(f.sourceHigh, f.sourceLow, f.network);
  const isKnown = changetype<usize>(own) != 0 && own.kernel != 0;
  if (isKnown && isOwn(f, own) && !(own.vports != 0 && isAdvertisement(f))) send(f, own);
  else discard(f, DropReason.foreignNeighbour);
}

/** Tells the link that an address is found by way of the NIC that transmits now (RFC 4861, section 7.2.6). */
export function neighbourAnnounce(a: Address): void {
  const length = NEIGHBOUR_MESSAGE + LINK_OPTION;
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  f.headLength = ETHERNET_HEADER + IPV6_HEADER + length;
  f.length = f.headLength;
  f.network = a.network;
  ethernetWrite(f.head, multicastMac6(ALL_NODES_LOW), a.mac, ETHERTYPE_IPV6);
  const packet = f.head + ETHERNET_HEADER;
  ipv6Write(
    packet,
    length,
    PROTOCOL_ICMPV6,
    NEIGHBOUR_HOP_LIMIT,
    a.high,
    a.low,
    ALL_NODES_HIGH,
    ALL_NODES_LOW,
  );
  const message = packet + IPV6_HEADER;
  icmpv6Write(message, <u8>Icmpv6Type.neighbourAdvertisement, 0);
  neighbourWriteAdvertisement(message, a.high, a.low, a.mac);
  icmpv6Finish(message, length, a.high, a.low, ALL_NODES_HIGH, ALL_NODES_LOW);
  toNic(f);
}

import { IPV4_HIGH, ipv4Low, ipv4Raw } from "../../../stack/wire/address";
import {
  ARP_LENGTH,
  ARP_REQUEST,
  arpIsEthernetIpv4,
  arpOperation,
  arpSenderAddress,
  arpSenderMac,
  arpTargetAddress,
  arpWrite,
} from "../../../stack/wire/arp";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ethernetSetDestination,
  ethernetWrite,
  MAC_BROADCAST,
} from "../../../stack/wire/ethernet";
import { DropReason } from "../stats/drop";
import { Address, addressFind } from "../tables/address";
import { Vport } from "../tables/vport";
import { deliverAll, deliverEach } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameRoom } from "./frame";
import { discard } from "./parse";
import { kernelHears, toKernel } from "./to-kernel";
import { toNic } from "./to-nic";

/** Address of the ARP packet, or 0, discarded, when it is none about Ethernet and IPv4. */
function arpPacket(f: Frame): usize {
  const packet = f.head + ETHERNET_HEADER;
  if (f.headLength >= ETHERNET_HEADER + ARP_LENGTH && arpIsEthernetIpv4(packet)) return packet;
  discard(f, DropReason.arpMalformed);
  return 0;
}

/** An ARP packet from a NIC. */
export function arpFromNic(f: Frame): void {
  const packet = arpPacket(f);
  if (packet == 0) return;
  const a = addressFind(IPV4_HIGH, ipv4Low(arpTargetAddress(packet)), f.network);
  const isKnown = changetype<usize>(a) != 0;
  // Who speaks about his own address tells everybody; the kernel would answer if it is the kernel's, too.
  if (arpSenderAddress(packet) == arpTargetAddress(packet)) {
    deliverAll(f);
    if (kernelHears(f) && !(isKnown && a.kernel != 0)) toKernel(f);
    return;
  }
  if (!isKnown || (a.vports == 0 && a.kernel == 0)) {
    discard(f, DropReason.arpNotOurs);
    return;
  }
  const isRequest = arpOperation(packet) == ARP_REQUEST;
  deliverEach(f, a, isRequest);
  // One answer is enough: the kernel's, when there is no vport.
  if (a.kernel != 0 && (!isRequest || a.vports == 0)) toKernel(f);
}

/**
 * An ARP packet that the kernel sends: about addresses it has, of which it answers for those without vports.
 */
export function arpFromKernel(f: Frame): void {
  const packet = arpPacket(f);
  if (packet == 0) return;
  const own = addressFind(IPV4_HIGH, ipv4Low(arpSenderAddress(packet)), f.network);
  const isOwn = changetype<usize>(own) != 0 && own.kernel != 0 && arpSenderMac(packet) == own.mac;
  const isRequest = arpOperation(packet) == ARP_REQUEST;
  const isAnnouncement = arpSenderAddress(packet) == arpTargetAddress(packet);
  if (!isOwn || (own.vports != 0 && (!isRequest || isAnnouncement))) {
    discard(f, DropReason.foreignArp);
    return;
  }
  const target = addressFind(IPV4_HIGH, ipv4Low(arpTargetAddress(packet)), f.network);
  if (!isAnnouncement && changetype<usize>(target) != 0 && target.vports != 0) {
    ethernetSetDestination(f.head, target.mac);
    deliverEach(f, target, isRequest);
    return;
  }
  if (isAnnouncement) deliverAll(f);
  toNic(f);
}

/** An ARP packet that a vport sends: about itself only (RFC 5227: a probe's sender address is zero). */
export function arpFromVport(v: Vport, f: Frame): void {
  const packet = arpPacket(f);
  if (packet == 0) return;
  const own = changetype<Address>(v.address);
  const sender = arpSenderAddress(packet);
  if (arpSenderMac(packet) != v.mac || (sender != 0 && sender != ipv4Raw(own.low))) {
    discard(f, DropReason.foreignArp);
    return;
  }
  const target = addressFind(IPV4_HIGH, ipv4Low(arpTargetAddress(packet)), f.network);
  if (changetype<usize>(target) == changetype<usize>(own)) {
    deliverAll(f);
    toNic(f);
  } else if (changetype<usize>(target) != 0 && target.vports != 0) {
    ethernetSetDestination(f.head, target.mac);
    deliverEach(f, target, arpOperation(packet) == ARP_REQUEST);
  } else if (changetype<usize>(target) != 0 && target.kernel != 0) {
    ethernetSetDestination(f.head, target.mac);
    toKernel(f);
  } else {
    toNic(f);
  }
}

/** Tells the link that an address is found by way of the NIC that transmits now (RFC 5227, section 3). */
export function arpAnnounce(a: Address): void {
  const f = frameBegin(FrameLevel.own);
  f.head = frameRoom(f);
  f.headLength = ETHERNET_HEADER + ARP_LENGTH;
  f.length = f.headLength;
  f.network = a.network;
  ethernetWrite(f.head, MAC_BROADCAST, a.mac, ETHERTYPE_ARP);
  const raw = ipv4Raw(a.low);
  arpWrite(f.head + ETHERNET_HEADER, ARP_REQUEST, a.mac, raw, 0, raw);
  toNic(f);
}

import { Port } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { IPV4_HIGH, ipv4Low, ipv4Raw, isIpv4Martian } from "../wire/address";
import {
  ARP_LENGTH,
  ARP_REPLY,
  ARP_REQUEST,
  arpIsEthernetIpv4,
  arpOperation,
  arpSenderAddress,
  arpSenderMac,
  arpTargetAddress,
  arpWrite,
} from "../wire/arp";
import { ETHERNET_HEADER, ETHERTYPE_ARP, ethernetWrite, isGroupMac, MAC_BROADCAST } from "../wire/ethernet";
import { Address, addressDefend, addressFind, addressOnLink, isBroadcast } from "./addresses";
import { handOver, isFirstToSee } from "./handover";
import { Neighbour, neighbourLearn } from "./neighbours";
import { txEthernet, txPublish, txReserve } from "./transmit";

/** Puts an ARP packet into the ring: `to` is the frame's destination, `targetMac` the packet's. */
function arpSend(
  p: Port,
  to: u64,
  operation: u16,
  senderAddress: u32,
  targetMac: u64,
  targetAddress: u32,
): void {
  const slot = txReserve(p);
  if (changetype<usize>(slot) == 0) {
    drop(DropReason.txRingFull);
    return;
  }
  const frame = txEthernet(slot);
  ethernetWrite(frame, to, p.mac, ETHERTYPE_ARP);
  arpWrite(frame + ETHERNET_HEADER, operation, p.mac, senderAddress, targetMac, targetAddress);
  slot.headerLength = <u16>(ETHERNET_HEADER + ARP_LENGTH);
  txPublish(p, slot);
  count(operation == ARP_REQUEST ? Counter.arpRequestsOut : Counter.arpRepliesOut);
}

/** Says to everyone that an address is ours: a request for it from it (RFC 5227, section 2.3). */
export function arpAnnounce(a: Address): void {
  const raw = ipv4Raw(a.low);
  arpSend(a.port, MAC_BROADCAST, ARP_REQUEST, raw, 0, raw);
}

/** Asks for a neighbour's hardware address: everyone, or only the host that had it when last heard of. */
export function arpAsk(n: Neighbour, to: u64): void {
  const raw = ipv4Raw(n.low);
  const own = addressOnLink(n.port, raw);
  if (changetype<usize>(own) == 0) return;
  arpSend(n.port, to, ARP_REQUEST, ipv4Raw(own.low), 0, raw);
}

/**
 * A received ARP packet (RFC 826, "Packet Reception"; RFC 5227, section 2.4). Behind ltran others have the
 * same hardware address.
 */
export function arpInput(p: Port, packet: usize, length: u32): void {
  if (length < ARP_LENGTH) {
    drop(DropReason.truncated);
    return;
  }
  const operation = arpOperation(packet);
  const senderMac = arpSenderMac(packet);
  const known = operation == ARP_REQUEST || operation == ARP_REPLY;
  if (!arpIsEthernetIpv4(packet) || !known || isGroupMac(senderMac) || senderMac == 0) {
    drop(DropReason.arpMalformed);
    return;
  }
  count(operation == ARP_REQUEST ? Counter.arpRequestsIn : Counter.arpRepliesIn);
  const sender = arpSenderAddress(packet);
  const target = addressFind(IPV4_HIGH, ipv4Low(arpTargetAddress(packet)));
  const forUs = changetype<usize>(target) != 0 && changetype<usize>(target.port) == changetype<usize>(p);
  const own = addressFind(IPV4_HIGH, ipv4Low(sender));
  // A frame of ours that came back, perhaps sent by another port on the same link.
  const isOurs = changetype<usize>(own) != 0 && senderMac == own.port.mac;
  if (isOurs || (senderMac == p.mac && (changetype<usize>(own) != 0 || p.ring == 0))) {
    drop(DropReason.arpIgnored);
    return;
  }
  // Every stack of the process learns, the first one answers.
  handOver();
  const isFirst = isFirstToSee();
  if (changetype<usize>(own) != 0) {
    if (isFirst) {
      count(Counter.arpConflicts);
      addressDefend(own);
    } else {
      drop(DropReason.arpIgnored);
    }
    return;
  }
  // A probe (RFC 5227, section 1.1) has no sender address: it is answered, nothing is learnt from it.
  const isProbe = sender == 0 && operation == ARP_REQUEST;
  if (!isProbe) {
    if (isIpv4Martian(sender) || isBroadcast(sender)) {
      drop(DropReason.arpMalformed);
      return;
    }
    const onLink = changetype<usize>(addressOnLink(p, sender)) != 0;
    const asked = forUs && operation == ARP_REQUEST;
    const learnt = neighbourLearn(p, IPV4_HIGH, ipv4Low(sender), senderMac, asked && onLink);
    if (!learnt && !asked) drop(DropReason.arpIgnored);
  } else if (!forUs) {
    drop(DropReason.arpIgnored);
  }
  if (forUs && isFirst && operation == ARP_REQUEST) {
    arpSend(p, senderMac, ARP_REPLY, ipv4Raw(target.low), senderMac, sender);
  }
}

import { ANNOUNCEMENT_ETHERTYPE } from "../../../ring/announcement";
import { ringPending } from "../../../ring/end";
import { serverPeek } from "../../../ring/server";
import { bucketsAllow, bucketsPay } from "../../../stack/link/token-buckets";
import { PortFlag } from "../../../stack/memory/port";
import { ipv4Raw, isIpv4Multicast, isIpv6Multicast } from "../../../stack/wire/address";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetDestination,
  ethernetSetDestination,
  ethernetSource,
  ethernetType,
  isGroupMac,
} from "../../../stack/wire/ethernet";
import { IPV4_DONT_FRAGMENT, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { checksumPosition } from "../../../stack/wire/transport";
import {
  VIRTIO_NET_HEADER,
  virtioNetChecksumOffset,
  virtioNetChecksumStart,
  virtioNetIsSuper,
  virtioNetNeedsChecksum,
  virtioNetSegmentSize,
} from "../../../stack/wire/virtio-net";
import { bondOf } from "../bond/bond";
import { nicHasRoom } from "../bond/choice";
import { HEAD_MAX } from "../memory/map";
import { root } from "../memory/root";
import { Counter, count, countVport, VportCounter } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Address, addressFind, addressIsIpv6 } from "../tables/address";
import { FlowState, flowFind, flowMake } from "../tables/flow";
import { listenerByHash, listenersAreSeveral } from "../tables/listener";
import { Vport, VportState, vportTake } from "../tables/vport";
import { announcementInput } from "./announce";
import { arpFromVport } from "./arp";
import { deliver, deliverAll } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameRoom, frameSpans } from "./frame";
import { isNeighbourDiscovery, isSourcelessReport, neighbourFromVport } from "./neighbour";
import { discard, isLaterFragment } from "./parse";
import { parseIp } from "./parse-ip";
import { giveBack, toNic } from "./to-nic";
import { countFaults } from "./to-vport";
import { trackOut } from "./track";

/** Smallest segments that a super-frame may be cut into: or 64 KB would become 64,000 packets. */
const SEGMENT_LEAST: u32 = 64;

/** Takes over what the virtio-net header wants, when it fits what the packet is. */
export function acceptVirtio(f: Frame, header: usize): bool {
  const needs = virtioNetNeedsChecksum(header);
  const isSuper = virtioNetIsSuper(header);
  if (!needs && !isSuper) return true;
  const isTcp = f.protocol == <u32>PROTOCOL_TCP;
  const hasPorts = isTcp || f.protocol == <u32>PROTOCOL_UDP;
  const isWhole = (f.fragment & ~IPV4_DONT_FRAGMENT) == 0 && f.length == ETHERNET_HEADER + f.packetLength;
  if (!needs || !hasPorts || !isWhole || f.headerLength > f.headLength) return false;
  f.checksumStart = ETHERNET_HEADER + f.packetHeader;
  f.checksumOffset = checksumPosition(<u8>f.protocol);
  f.isPartial = 1;
  if (virtioNetChecksumStart(header) != f.checksumStart) return false;
  if (virtioNetChecksumOffset(header) != f.checksumOffset) return false;
  if (!isSuper) return true;
  f.isSuper = 1;
  f.segmentSize = virtioNetSegmentSize(header);
  return isTcp && f.segmentSize >= SEGMENT_LEAST;
}

/** A datagram to a peer whose answers the listeners' hash would give to somebody else is remembered. */
function learnDatagram(v: Vport, f: Frame): void {
  const a = changetype<Address>(v.address);
  const protocol = <u8>f.protocol;
  if (a.vportCount == 1) return;
  if (v.announces != 0) {
    if (!listenersAreSeveral(a, protocol, f.sourcePort)) return;
    const l = listenerByHash(
      a,
      protocol,
      f.sourcePort,
      f.destinationHigh,
      f.destinationLow,
      f.destinationPort,
    );
    if (changetype<usize>(l) != 0 && l.owner == v.id) return;
  }
  const flow = flowFind(a, protocol, f.sourcePort, f.destinationHigh, f.destinationLow, f.destinationPort);
  if (changetype<usize>(flow) != 0) return;
  const state = FlowState.datagram;
  flowMake(v, protocol, f.sourcePort, f.destinationHigh, f.destinationLow, f.destinationPort, state);
}

/** Whether a packet goes to all: by its link address, or because of where it says it goes. */
export function isForAll(f: Frame): bool {
  return isGroupMac(ethernetDestination(f.head)) && (isMulticast(f) || !isKnown(f));
}

function isMulticast(f: Frame): bool {
  return f.isIpv6 != 0 ? isIpv6Multicast(f.destinationHigh) : isIpv4Multicast(ipv4Raw(f.destinationLow));
}

function isKnown(f: Frame): bool {
  return changetype<usize>(addressFind(f.destinationHigh, f.destinationLow, f.network)) != 0;
}

/** Packets on the wire that a frame becomes; a super-frame with nothing to cut is one, too. */
function packetsOf(f: Frame): u32 {
  if (f.segmentSize == 0) return 1;
  return max<u32>(1, (f.length - f.headerLength + f.segmentSize - 1) / f.segmentSize);
}

/** Whether a frame may go to all, discarded if not: each gets a copy, and the link takes no longer one. */
function mayGoToAll(v: Vport, f: Frame): bool {
  if (f.length <= v.mtu + ETHERNET_HEADER) return true;
  discard(f, DropReason.tooLong);
  return false;
}

/** Whether a packet of `v` that is no neighbour discovery has the source it must have. */
function isFromOwnAddress(v: Vport, f: Frame): bool {
  const a = changetype<Address>(v.address);
  return (f.sourceLow == a.low && f.sourceHigh == a.high) || (isSourcelessReport(f) && addressIsIpv6(a));
}

/** An IP packet of `v`, whose frame of `type` had virtio-net header `virtio` or none (0). */
function ipFromVport(v: Vport, f: Frame, type: u16, virtio: usize): void {
  if (!parseIp(f, type)) return;
  if (isNeighbourDiscovery(f)) {
    bucketsPay(v, 1, f.length);
    neighbourFromVport(v, f);
    return;
  }
  if (!isFromOwnAddress(v, f)) {
    discard(f, DropReason.foreignAddress);
    return;
  }
  if (virtio != 0 && !acceptVirtio(f, virtio)) {
    discard(f, DropReason.virtioHeader);
    return;
  }
  bucketsPay(v, packetsOf(f), f.length + (packetsOf(f) - 1) * f.headerLength);
  if (!isLaterFragment(f) && !isForAll(f)) {
    const mac = ethernetDestination(f.head);
    if (f.protocol == <u32>PROTOCOL_TCP && !trackOut(v, f, mac)) {
      discard(f, DropReason.foreignFlow);
      return;
    }
    if (f.protocol == <u32>PROTOCOL_UDP) learnDatagram(v, f);
  }
  if (isForAll(f)) {
    if (!mayGoToAll(v, f)) return;
    deliverAll(f);
    toNic(f);
    return;
  }
  const local = addressFind(f.destinationHigh, f.destinationLow, f.network);
  if (changetype<usize>(local) == 0) {
    toNic(f);
    return;
  }
  // It may have been on its way to a router that would have sent it back.
  ethernetSetDestination(f.head, local.mac);
  deliver(f, local);
}

/** A frame of `length` bytes, virtio-net header included, that was taken from the ring of `v`. */
function vportInput(v: Vport, f: Frame, length: u32): void {
  const hasVirtio = (v.flags & PortFlag.vnetHeader) != 0;
  const skipped = hasVirtio ? VIRTIO_NET_HEADER : 0;
  const virtio = hasVirtio ? frameRoom(f) : 0;
  f.source = changetype<usize>(v);
  f.network = v.network;
  f.head = frameRoom(f) + <usize>skipped;
  if (length < skipped + ETHERNET_HEADER) {
    discard(f, DropReason.truncated);
    return;
  }
  f.length = length - skipped;
  f.headLength = min(f.length, HEAD_MAX);
  f.spanCount = vportTake(v).spanCount;
  const type = ethernetType(f.head);
  if (type == ANNOUNCEMENT_ETHERTYPE) {
    announcementInput(v, f);
    return;
  }
  count(Counter.vportFramesIn);
  countVport(v, VportCounter.framesIn, 1);
  countVport(v, VportCounter.bytesIn, f.length);
  if (ethernetSource(f.head) != v.mac) {
    discard(f, DropReason.foreignMac);
  } else if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) {
    ipFromVport(v, f, type, virtio);
  } else {
    bucketsPay(v, 1, f.length);
    if (type != ETHERTYPE_ARP) discard(f, DropReason.unknownEtherType);
    else if (mayGoToAll(v, f)) arpFromVport(v, f);
  }
}

/** Whether the next frame of `v` may be taken now. */
function mayTake(v: Vport): bool {
  const waited = v.rateWaits;
  const allowed = bucketsAllow(v, root().now);
  if (!allowed && waited == 0) countVport(v, VportCounter.rateWaits, 1);
  v.stalled = allowed && nicHasRoom(bondOf(v.network)) ? 0 : 1;
  return v.stalled == 0;
}

/** Takes up to `limit` frames from the ring of `v`; answers how many. */
export function takeFrames(v: Vport, level: FrameLevel, limit: u32): u32 {
  const end = vportTake(v);
  const limited = (v.flags & PortFlag.vnetHeader) != 0 ? HEAD_MAX + VIRTIO_NET_HEADER : HEAD_MAX;
  let taken: u32 = 0;
  v.isBusy = 1;
  while (taken < limit && v.state == VportState.open && ringPending(end) && mayTake(v)) {
    const f = frameBegin(level);
    const length = serverPeek(end, frameRoom(f), limited, frameSpans(f));
    if (length == 0) break;
    taken++;
    if (length > 0) {
      vportInput(v, f, <u32>length);
    } else {
      f.source = changetype<usize>(v);
      discard(f, DropReason.ringFault);
      if (end.broken != 0) break;
    }
  }
  v.isBusy = 0;
  if (taken > 0) giveBack(v);
  countFaults(v);
  return taken;
}

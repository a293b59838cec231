import { Port, PortFlag, RX_VLAN_SHIFT, RxFlag, RxFrame } from "../../../stack/memory/port";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetDestination,
  ethernetType,
  isGroupMac,
} from "../../../stack/wire/ethernet";
import {
  VIRTIO_NET_HEADER,
  virtioNetChecksumOffset,
  virtioNetChecksumStart,
  virtioNetIsSuper,
  virtioNetNeedsChecksum,
  virtioNetSegmentSize,
  virtioNetSetChecksumStart,
} from "../../../stack/wire/virtio-net";
import { ETHERTYPE_VLAN, VLAN_TAG, vlanOf, vlanOfFrame, vlanRemove } from "../../../stack/wire/vlan";
import { member } from "../bond/member";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { countIn, countKind } from "../stats/nic";
import { addressFind } from "../tables/address";
import { networkBond, networkOf } from "../tables/network";
import { arpFromNic } from "./arp";
import { deliver, deliverAll } from "./deliver";
import { Frame, FrameLevel, frameBegin } from "./frame";
import { isNeighbourDiscovery, neighbourFromNic } from "./neighbour";
import { discard } from "./parse";
import { parseIp } from "./parse-ip";
import { kernelHears, toKernel } from "./to-kernel";

/** Takes over what the NIC says in front of the frame; false when it cannot be. */
function readVirtio(f: Frame, rx: RxFrame): bool {
  if (rx.length < VIRTIO_NET_HEADER) return false;
  const header = <usize>rx.address;
  f.virtio = header;
  f.head = header + <usize>VIRTIO_NET_HEADER;
  f.headLength = rx.length - VIRTIO_NET_HEADER;
  f.isSuper = virtioNetIsSuper(header) ? 1 : 0;
  f.segmentSize = virtioNetSegmentSize(header);
  if (!virtioNetNeedsChecksum(header)) return true;
  f.isPartial = 1;
  f.checksumStart = virtioNetChecksumStart(header);
  f.checksumOffset = virtioNetChecksumOffset(header);
  return true;
}

function ipFromNic(p: Port, f: Frame, type: u16): void {
  if (!parseIp(f, type)) return;
  if (f.sourceLow == f.destinationLow && f.sourceHigh == f.destinationHigh) {
    discard(f, DropReason.ipMartian);
    return;
  }
  const destination = ethernetDestination(f.head);
  if (isGroupMac(destination)) {
    if (isNeighbourDiscovery(f)) {
      neighbourFromNic(f);
      return;
    }
    deliverAll(f);
    if (kernelHears(f)) toKernel(f);
    return;
  }
  const a = addressFind(f.destinationHigh, f.destinationLow, f.network);
  if (changetype<usize>(a) == 0) {
    discard(f, DropReason.ipNotOurs);
  } else if (destination != a.mac && destination != p.mac) {
    discard(f, DropReason.notOurMac);
  } else if (isNeighbourDiscovery(f)) {
    neighbourFromNic(f);
  } else {
    deliver(f, a);
  }
}

/** Takes a tag that the NIC left in the frame out; false when the frame ends in it. */
function takeTag(f: Frame): bool {
  if (f.length < ETHERNET_HEADER + VLAN_TAG) return false;
  f.network = networkOf(networkBond(f.network), vlanOfFrame(f.head));
  f.head = vlanRemove(f.head);
  f.headLength -= VLAN_TAG;
  f.length -= VLAN_TAG;
  if (f.isPartial == 0) return true;
  if (f.checksumStart < ETHERNET_HEADER + VLAN_TAG) return false;
  f.checksumStart -= VLAN_TAG;
  virtioNetSetChecksumStart(f.virtio, <u16>f.checksumStart);
  return true;
}

function inputByType(p: Port, f: Frame, type: u16): void {
  if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) ipFromNic(p, f, type);
  else if (type == ETHERTYPE_ARP) arpFromNic(f);
  else discard(f, DropReason.unknownEtherType);
  countKind(p, type == ETHERTYPE_ARP, f.protocol);
}

/** A frame from the NIC that receives. */
export function nicInput(p: Port, rx: RxFrame): void {
  const f = frameBegin(FrameLevel.outer);
  f.head = <usize>rx.address;
  f.headLength = rx.length;
  f.flags = rx.flags & (RxFlag.checksumGood | RxFlag.checksumBad);
  if (rx.length < rx.wireLength || ((p.flags & PortFlag.vnetHeader) != 0 && !readVirtio(f, rx))) {
    discard(f, DropReason.truncated);
    return;
  }
  f.length = f.headLength;
  if (f.length < ETHERNET_HEADER) {
    discard(f, DropReason.truncated);
    return;
  }
  count(Counter.nicFramesIn);
  countBy(Counter.nicBytesIn, f.length);
  countIn(p, f.length);
  const vlan = (rx.flags & RxFlag.vlan) != 0 ? vlanOf(rx.flags >> RX_VLAN_SHIFT) : 0;
  f.network = networkOf(member(p.id).bond, vlan);
  const type = ethernetType(f.head);
  if (type != ETHERTYPE_VLAN || vlan != 0) inputByType(p, f, type);
  else if (takeTag(f)) inputByType(p, f, ethernetType(f.head));
  else discard(f, DropReason.truncated);
}

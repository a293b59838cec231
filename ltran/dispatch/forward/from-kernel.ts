import { Port, RxFrame } from "../../../stack/memory/port";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ethernetSetDestination,
  ethernetSource,
  ethernetType,
} from "../../../stack/wire/ethernet";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { VIRTIO_NET_HEADER } from "../../../stack/wire/virtio-net";
import { HEAD_MAX } from "../memory/map";
import { Counter, count } from "../stats/counters";
import { DropReason } from "../stats/drop";
import { Address, addressFind } from "../tables/address";
import { FlowState, flowFind, flowState } from "../tables/flow";
import { listenerByHash } from "../tables/listener";
import { VportState, vport } from "../tables/vport";
import { arpFromKernel } from "./arp";
import { deliver, deliverAll } from "./deliver";
import { Frame, FrameLevel, frameBegin, frameSpan } from "./frame";
import { acceptVirtio, isForAll } from "./from-vport";
import { isEchoReply, isIcmp, isIcmpError, quoteRead } from "./icmp";
import { isNeighbourDiscovery, neighbourFromKernel } from "./neighbour";
import { discard, isLaterFragment } from "./parse";
import { parseIp } from "./parse-ip";
import { toNic } from "./to-nic";

/** Whether a vport has an endpoint of address `a`, or its connection with a remote one. */
function isTaken(a: Address, protocol: u8, port: u16, high: u64, low: u64, remotePort: u16): bool {
  const flow = flowFind(a, protocol, port, high, low, remotePort);
  if (changetype<usize>(flow) != 0 && flowState(flow) != <u32>FlowState.closing) {
    if (vport(flow.owner).state == VportState.open) return true;
  }
  return changetype<usize>(listenerByHash(a, protocol, port, high, low, remotePort)) != 0;
}

/** Whether an ICMP message of the kernel says what is for a vport of address `a` to say. */
function isIcmpTaken(f: Frame, a: Address): bool {
  if (isEchoReply(f)) return a.vports != 0;
  if (!isIcmpError(f)) return false;
  // An error of the kernel's own quotes IP header and eight bytes at least; those in the head are enough.
  if (!quoteRead(f)) return true;
  const protocol = <u8>f.quotedProtocol;
  const port = f.quotedDestinationPort;
  return isTaken(a, protocol, port, f.destinationHigh, f.destinationLow, f.quotedSourcePort);
}

/** Whether a packet that the kernel sends from address `a` speaks for a vport of it. */
function speaksForVport(f: Frame, a: Address): bool {
  if (isLaterFragment(f)) return false;
  if (isIcmp(f)) return isIcmpTaken(f, a);
  if (f.protocol != <u32>PROTOCOL_TCP && f.protocol != <u32>PROTOCOL_UDP) return false;
  const protocol = <u8>f.protocol;
  return isTaken(a, protocol, f.sourcePort, f.destinationHigh, f.destinationLow, f.destinationPort);
}

function ipFromKernel(f: Frame, type: u16, virtio: usize): void {
  if (!parseIp(f, type)) return;
  if (isNeighbourDiscovery(f)) {
    neighbourFromKernel(f);
    return;
  }
  const own = addressFind(f.sourceHigh, f.sourceLow, f.network);
  if (changetype<usize>(own) == 0 || own.kernel == 0) {
    discard(f, DropReason.foreignAddress);
  } else if (!acceptVirtio(f, virtio)) {
    discard(f, DropReason.virtioHeader);
  } else if (speaksForVport(f, own)) {
    discard(f, DropReason.foreignFlow);
  } else if (isForAll(f)) {
    deliverAll(f);
    toNic(f);
  } else {
    const local = addressFind(f.destinationHigh, f.destinationLow, f.network);
    if (changetype<usize>(local) == 0) {
      toNic(f);
    } else {
      ethernetSetDestination(f.head, local.mac);
      deliver(f, local);
    }
  }
}

/** A frame that the kernel sends by its device. Its memory is held while a NIC's ring refers to it. */
export function kernelInput(p: Port, rx: RxFrame): void {
  const f = frameBegin(FrameLevel.outer);
  f.isKernel = 1;
  if (rx.length < rx.wireLength || rx.length < VIRTIO_NET_HEADER + ETHERNET_HEADER) {
    discard(f, DropReason.truncated);
    return;
  }
  f.head = <usize>rx.address + <usize>VIRTIO_NET_HEADER;
  f.length = rx.length - VIRTIO_NET_HEADER;
  f.headLength = min(f.length, HEAD_MAX);
  if (f.length > f.headLength) {
    const rest = frameSpan(f, 0);
    rest.address = <u32>f.head + f.headLength;
    rest.length = f.length - f.headLength;
    f.spanCount = 1;
  }
  count(Counter.kernelFramesIn);
  const type = ethernetType(f.head);
  if (ethernetSource(f.head) != p.mac) discard(f, DropReason.foreignMac);
  else if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) ipFromKernel(f, type, <usize>rx.address);
  else if (type == ETHERTYPE_ARP) arpFromKernel(f);
  else discard(f, DropReason.unknownEtherType);
}

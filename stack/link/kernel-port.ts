import { addressIsOurs } from "../ip/addresses";
import { chainFrom } from "../memory/buffer";
import { Port, PortFlag, port, txHeader } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { aboutFrame } from "../stats/subject";
import { connectionFind } from "../tcp/connections";
import { listenerFind } from "../tcp/listen";
import { datagramFor } from "../udp/lookup";
import { IPV4_HIGH, ipv4Low } from "../wire/address";
import {
  ARP_LENGTH,
  ARP_REQUEST,
  arpIsEthernetIpv4,
  arpOperation,
  arpSenderAddress,
  arpTargetAddress,
} from "../wire/arp";
import { loadBig16 } from "../wire/bytes";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ethernetDestination,
  ethernetSource,
  ethernetType,
  isGroupMac,
} from "../wire/ethernet";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_QUOTE,
  icmpIsError,
  icmpType,
  quotedDestinationPort,
  quotedSourcePort,
} from "../wire/icmp";
import {
  IPV4_HEADER,
  IPV4_OFFSET_MASK,
  ipv4Destination,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4VersionLength,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ipv4";
import { VIRTIO_NET_HEADER } from "../wire/virtio-net";
import { claimFrame, handOver, isClaimed, passToDevice } from "./handover";
import { txAppendChain, txComplete, txEthernet, txReserve } from "./transmit";

/**
 * The kernel's device, a second port of the stack, for a kernel that has the stack's address, too: what no
 * socket wants goes there, and what the kernel sends goes out by the wire, unless it speaks for a socket.
 *
 * Of several stacks (link/handover.ts) the first one has the device. Each looks at a frame; who wants it
 * claims it, since it may still go on: a first fragment goes to all. What the last one to see it finds
 * unclaimed goes on to the first, past all sockets. The kernel's own frames go through all stacks, too, from
 * the first one on, and leave by the last one's wire.
 */

/** Bytes of a frame that lie in a slot: all headers there are. The rest is copied into packet buffers. */
const HEAD: u32 = 126;
/** Both ports of a transport header. */
const PORTS: u32 = 4;

/** Hands a frame to a port, with its virtio-net header if both ports have one. */
function forward(to: Port, virtio: usize, frame: usize, length: u32): void {
  const slot = txReserve(to);
  if (changetype<usize>(slot) == 0) {
    drop(DropReason.txRingFull);
    return;
  }
  const head = min(length, HEAD);
  memory.copy(txEthernet(slot), frame, head);
  if (length > head) {
    const rest = chainFrom(frame + <usize>head, length - head);
    if (rest == 0) {
      drop(DropReason.noBuffer);
      return;
    }
    txAppendChain(slot, rest);
    slot.owned = <u32>rest;
  }
  slot.linkLength = <u16>ETHERNET_HEADER;
  slot.headerLength = <u16>head;
  txComplete(to, slot);
  count(to.id + 1 == root().kernel ? Counter.kernelFramesOut : Counter.kernelFramesIn);
  if (virtio != 0 && (to.flags & PortFlag.vnetHeader) != 0) {
    memory.copy(txHeader(slot), virtio, VIRTIO_NET_HEADER);
  }
}

/** Gives a frame from the wire to the kernel, by way of the stack that has the device. */
function give(virtio: usize, frame: usize, length: u32): void {
  const device = root().kernel;
  if (device != 0) forward(port(device - 1), virtio, frame, length);
  else passToDevice();
}

/** Gives a copy of a frame to the kernel: all stacks see it, one of them has the device. */
function giveCopy(virtio: usize, frame: usize, length: u32): void {
  handOver();
  const device = root().kernel;
  if (device != 0) forward(port(device - 1), virtio, frame, length);
}

/** A frame from the wire that no stack wants, on its way to the one that has the device. */
export function kernelGets(p: Port, address: usize, length: u32): void {
  const virtio: u32 = (p.flags & PortFlag.vnetHeader) != 0 ? VIRTIO_NET_HEADER : 0;
  give(virtio != 0 ? address : 0, address + <usize>virtio, length - virtio);
}

/** Whether a socket has an endpoint of ours, or its connection with a remote one. */
function isTaken(protocol: u8, ours: u32, localPort: u16, theirs: u32, remotePort: u16): bool {
  const local = ipv4Low(ours);
  const remote = ipv4Low(theirs);
  if (protocol == PROTOCOL_UDP) {
    const socket = datagramFor(IPV4_HIGH, local, localPort, IPV4_HIGH, remote, remotePort);
    return changetype<usize>(socket) != 0;
  }
  const tcb = connectionFind(IPV4_HIGH, local, IPV4_HIGH, remote, localPort, remotePort);
  return changetype<usize>(tcb) != 0 || changetype<usize>(listenerFind(IPV4_HIGH, local, localPort, 0)) != 0;
}

/** Whether the packet that an ICMP error quotes, sent (1) or received (0) by us, is a socket's. */
function isQuoteTaken(message: usize, length: u32, isSent: bool): bool {
  const quote = message + <usize>ICMP_HEADER;
  if (length < ICMP_HEADER + IPV4_HEADER + ICMP_QUOTE) return true;
  const header = ipv4HeaderLength(quote);
  const protocol = ipv4Protocol(quote);
  if (header < IPV4_HEADER || length < ICMP_HEADER + header + ICMP_QUOTE) return true;
  if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) return false;
  const ports = quote + <usize>header;
  const from = quotedSourcePort(ports);
  const to = quotedDestinationPort(ports);
  if (isSent) return isTaken(protocol, ipv4Source(quote), from, ipv4Destination(quote), to);
  return isTaken(protocol, ipv4Destination(quote), to, ipv4Source(quote), from);
}

/** Whether `length` bytes at `packet` begin with an IPv4 header and hold the packet. */
function isWhole(packet: usize, length: u32): bool {
  if (length < IPV4_HEADER || ipv4VersionLength(packet) >> 4 != 4) return false;
  const header = ipv4HeaderLength(packet);
  const total = ipv4TotalLength(packet);
  return header >= IPV4_HEADER && total >= header && total <= length;
}

/** Whether a packet for our address is for a socket, or for the stack itself. */
function isForStack(packet: usize): bool {
  const header = ipv4HeaderLength(packet);
  const protocol = ipv4Protocol(packet);
  const length = ipv4TotalLength(packet) - header;
  const at = packet + <usize>header;
  if (protocol == PROTOCOL_ICMP && length >= ICMP_HEADER) {
    const type = icmpType(at);
    return type == ICMP_ECHO_REQUEST || (icmpIsError(type) && isQuoteTaken(at, length, true));
  }
  if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || length < PORTS) return false;
  return isTaken(protocol, ipv4Destination(packet), loadBig16(at + 2), ipv4Source(packet), loadBig16(at));
}

/** Whether a packet of the kernel's says what is for a socket, or for the stack, to say. */
function speaksForStack(packet: usize): bool {
  if ((ipv4Fragment(packet) & IPV4_OFFSET_MASK) != 0) return false;
  const header = ipv4HeaderLength(packet);
  const protocol = ipv4Protocol(packet);
  const length = ipv4TotalLength(packet) - header;
  const at = packet + <usize>header;
  if (protocol == PROTOCOL_ICMP && length >= ICMP_HEADER) {
    const type = icmpType(at);
    return type == ICMP_ECHO_REPLY || (icmpIsError(type) && isQuoteTaken(at, length, false));
  }
  if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || length < PORTS) return false;
  return isTaken(protocol, ipv4Source(packet), loadBig16(at), ipv4Destination(packet), loadBig16(at + 2));
}

/** Whether the kernel may see an ARP packet from the wire: an answer to us, or news of others. */
function isArpForKernel(packet: usize): bool {
  if (!arpIsEthernetIpv4(packet)) return false;
  const isOurs = addressIsOurs(IPV4_HIGH, ipv4Low(arpTargetAddress(packet)));
  if (arpSenderAddress(packet) == arpTargetAddress(packet)) return !isOurs;
  return isOurs && arpOperation(packet) != ARP_REQUEST;
}

/**
 * A frame of `length` bytes from the wire, its virtio-net header at `virtio` or 0: gives the kernel what is
 * for it; true when it is not for the stack.
 */
export function kernelTakes(p: Port, virtio: usize, frame: usize, length: u32): bool {
  const packet = frame + <usize>ETHERNET_HEADER;
  if (isClaimed()) return false;
  if (length < ETHERNET_HEADER + ARP_LENGTH && length < ETHERNET_HEADER + IPV4_HEADER) return false;
  if (ethernetType(frame) == ETHERTYPE_ARP) {
    const isArp = length >= ETHERNET_HEADER + ARP_LENGTH && isArpForKernel(packet);
    if (isArp) giveCopy(virtio, frame, length);
    return false;
  }
  if (ethernetType(frame) != ETHERTYPE_IPV4 || !isWhole(packet, length - ETHERNET_HEADER)) return false;
  const destination = ethernetDestination(frame);
  if (isGroupMac(destination)) {
    giveCopy(virtio, frame, length);
    return false;
  }
  if (destination != p.mac || !addressIsOurs(IPV4_HIGH, ipv4Low(ipv4Destination(packet)))) return false;
  // Whose a later fragment is shows in the first one only: both keep what they can use.
  if ((ipv4Fragment(packet) & IPV4_OFFSET_MASK) != 0) {
    giveCopy(virtio, frame, length);
    return false;
  }
  if (isForStack(packet)) {
    claimFrame();
    return false;
  }
  if (!handOver()) give(virtio, frame, length);
  return true;
}

/** Whether a frame of the kernel's is one of our address that no socket has to send. */
function maySend(p: Port, frame: usize, length: u32): bool {
  const packet = frame + <usize>ETHERNET_HEADER;
  if (ethernetSource(frame) != p.mac) return false;
  if (ethernetType(frame) == ETHERTYPE_ARP) {
    if (length < ETHERNET_HEADER + ARP_LENGTH || !arpIsEthernetIpv4(packet)) return false;
    const sender = arpSenderAddress(packet);
    if (arpOperation(packet) != ARP_REQUEST || sender == arpTargetAddress(packet)) return false;
    return addressIsOurs(IPV4_HIGH, ipv4Low(sender));
  }
  if (ethernetType(frame) != ETHERTYPE_IPV4 || !isWhole(packet, length - ETHERNET_HEADER)) return false;
  return addressIsOurs(IPV4_HIGH, ipv4Low(ipv4Source(packet))) && !speaksForStack(packet);
}

/**
 * A frame that the kernel sends by its device, a virtio-net header in front; `p` is that device or, in the
 * stacks after the one that has it, the wire.
 */
export function kernelSends(p: Port, virtio: usize, length: u32): void {
  const frame = virtio + <usize>VIRTIO_NET_HEADER;
  aboutFrame(frame, length < VIRTIO_NET_HEADER ? 0 : length - VIRTIO_NET_HEADER);
  if (length < VIRTIO_NET_HEADER + ETHERNET_HEADER) {
    drop(DropReason.truncated);
  } else if (!maySend(p, frame, length - VIRTIO_NET_HEADER)) {
    drop(DropReason.kernelForeign);
  } else if (!handOver()) {
    forward(port(root().kernelWire), virtio, frame, length - VIRTIO_NET_HEADER);
  }
}

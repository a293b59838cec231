import { captureReceived } from "../capture/capture";
import { ipInput } from "../ip/input";
import { Port, PortFlag, RxFlag } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count, countBy } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { aboutFrame } from "../stats/subject";
import {
  ETHERNET_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ethernetDestination,
  ethernetType,
  isGroupMac,
} from "../wire/ethernet";
import { VIRTIO_NET_HEADER, virtioNetChecksumGood, virtioNetSender } from "../wire/virtio-net";
import { arpInput } from "./arp";
import { injectInput, injects } from "./inject";
import { kernelTakes } from "./kernel-port";

/**
 * Takes in one received frame as the shell described it: `address` is that of a virtio-net header on such
 * ports.
 */
export function linkInput(p: Port, address: usize, length: u32, wireLength: u32, flags: u32): void {
  if (injects()) injectInput(p, address, length, wireLength, flags);
  else linkDeliver(p, address, length, wireLength, flags);
}

/** The same, past the faults that are injected. */
export function linkDeliver(p: Port, address: usize, length: u32, wireLength: u32, flags: u32): void {
  let frame = address;
  let present = length;
  let known = flags & (RxFlag.checksumGood | RxFlag.checksumBad);
  aboutFrame(address, length);
  if (length < wireLength) {
    drop(DropReason.truncated);
    return;
  }
  if ((p.flags & PortFlag.vnetHeader) != 0) {
    if (length < VIRTIO_NET_HEADER) {
      drop(DropReason.truncated);
      return;
    }
    if (virtioNetChecksumGood(address)) known |= RxFlag.checksumGood;
    if (p.ring != 0 && root().peers != 0) root().sender = virtioNetSender(address);
    frame += VIRTIO_NET_HEADER;
    present -= VIRTIO_NET_HEADER;
    aboutFrame(frame, present);
  }
  if (root().capturing != 0) captureReceived(p, frame, present);
  count(Counter.rxFrames);
  countBy(Counter.rxBytes, present);
  const virtio: usize = frame == address ? 0 : address;
  const isShared = root().kernelShares != 0 && p.id == root().kernelWire;
  if (!isShared || !kernelTakes(p, virtio, frame, present)) ethernetInput(p, frame, present, known);
}

/** A received Ethernet frame, without a virtio-net header; `flags` are RxFlag. */
function ethernetInput(p: Port, address: usize, length: u32, flags: u32): void {
  if (length < ETHERNET_HEADER) {
    drop(DropReason.truncated);
    return;
  }
  const destination = ethernetDestination(address);
  let about = flags;
  if (destination != p.mac) {
    if (!isGroupMac(destination)) {
      drop(DropReason.notOurMac);
      return;
    }
    about |= RxFlag.linkGroup;
  }
  const type = ethernetType(address);
  if (type == ETHERTYPE_IPV4) ipInput(p, address + ETHERNET_HEADER, length - ETHERNET_HEADER, about);
  else if (type == ETHERTYPE_ARP) arpInput(p, address + ETHERNET_HEADER, length - ETHERNET_HEADER);
  else drop(DropReason.unknownEtherType);
}

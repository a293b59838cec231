import { captureSent } from "../capture/capture";
import { Buffer, bufferData, bufferGive, chainGive } from "../memory/buffer";
import { TX_RING, TX_SPANS } from "../memory/map";
import { Port, PortFlag, port, TxFlag, TxSlot, txHeader, txSlot, txSpan } from "../memory/port";
import { root } from "../memory/root";
import { Counter, count, countBy } from "../stats/counters";
import { VIRTIO_NET_HEADER, virtioNetWriteChecksum, virtioNetWritePlain } from "../wire/virtio-net";
import { ratePay } from "./rate-limit";

/** Where the Ethernet header lies in a slot's header area: behind room for a virtio-net header. */
export const TX_ETHERNET: u32 = VIRTIO_NET_HEADER;

/** Free slots of the port's transmit ring. */
export function txFree(p: Port): u32 {
  return TX_RING - (p.txTail - p.txHead);
}

/** The next free slot, emptied, or null (0) when the ring is full. It stays free until txPublish(). */
export function txReserve(p: Port): TxSlot {
  if (p.txTail - p.txHead >= TX_RING) return changetype<TxSlot>(0);
  const slot = txSlot(p, p.txTail);
  slot.spanCount = 1;
  slot.flags = 0;
  slot.segmentSize = 0;
  slot.length = 0;
  slot.owned = 0;
  return slot;
}

/** Address of the slot's Ethernet header. */
export function txEthernet(slot: TxSlot): usize {
  return txHeader(slot) + TX_ETHERNET;
}

/** Adds `length` bytes of payload at `address`. */
export function txAppend(slot: TxSlot, address: usize, length: u32): void {
  const index = <u32>slot.spanCount;
  assert(index < TX_SPANS);
  const span = txSpan(slot, index);
  span.address = <u32>address;
  span.length = length;
  slot.spanCount = <u16>(index + 1);
  slot.length += length;
}

/** Adds `length` bytes of a chain, from `skip` bytes behind its start. */
export function txAppendRange(slot: TxSlot, chain: usize, skip: u32, length: u32): void {
  let at = chain;
  let ahead = skip;
  let left = length;
  while (at != 0 && left > 0) {
    const buffer = changetype<Buffer>(at);
    const held = <u32>buffer.length;
    if (ahead >= held) {
      ahead -= held;
    } else {
      const part = min(held - ahead, left);
      txAppend(slot, bufferData(buffer) + ahead, part);
      left -= part;
      ahead = 0;
    }
    at = buffer.next;
  }
  assert(left == 0);
}

/** Adds every byte of a chain. */
export function txAppendChain(slot: TxSlot, chain: usize): void {
  let at = chain;
  while (at != 0) {
    const buffer = changetype<Buffer>(at);
    if (buffer.length > 0) txAppend(slot, bufferData(buffer), buffer.length);
    at = buffer.next;
  }
}

/** Pays for a frame; a super-frame counts as the packets that the port makes of it. */
function pay(slot: TxSlot, payload: u32): void {
  const size = <u32>slot.segmentSize;
  const packets: u32 = (slot.flags & TxFlag.segment) == 0 || size == 0 ? 1 : (payload + size - 1) / size;
  ratePay(packets, payload + packets * slot.headerLength);
}

/**
 * Completes the frame in a slot whose `headerLength` is set: first span, length, virtio-net header. From now
 * on it waits for the shell.
 */
export function txComplete(p: Port, slot: TxSlot): void {
  const span = txSpan(slot, 0);
  const header = txHeader(slot);
  slot.length += slot.headerLength;
  if ((p.flags & PortFlag.vnetHeader) != 0) {
    span.address = <u32>header;
    span.length = VIRTIO_NET_HEADER + slot.headerLength;
    if ((slot.flags & TxFlag.checksum) != 0) {
      const segment: u16 = (slot.flags & TxFlag.segment) != 0 ? slot.segmentSize : 0;
      const headers = slot.headerLength;
      const isIpv6 = (slot.flags & TxFlag.ipv6) != 0;
      virtioNetWriteChecksum(header, slot.checksumStart, slot.checksumOffset, headers, segment, isIpv6);
    } else {
      virtioNetWritePlain(header);
    }
  } else {
    span.address = <u32>header + TX_ETHERNET;
    span.length = slot.headerLength;
  }
  p.txTail++;
}

/** Completes the frame in a slot whose `headerLength` is set, pays for it and counts it. */
export function txPublish(p: Port, slot: TxSlot): void {
  pay(slot, slot.length);
  txComplete(p, slot);
  if (root().capturing != 0) captureSent(p, slot);
  count(Counter.txFrames);
  countBy(Counter.txBytes, slot.length);
}

/** An empty ring begins anew: the slots used last are the ones in the cache. */
export function txRewind(p: Port): void {
  if (p.txHead != p.txTail) return;
  p.txHead = 0;
  p.txTail = 0;
}

/**
 * Gives a buffer back to which frames may refer that wait in the rings of ports from `first` on (a
 * retransmission that an ACK has overtaken): one port after the other, it goes with the frame that is the
 * youngest there now.
 */
export function txRelease(buffer: Buffer, first: u32): void {
  const ports = root().ports;
  for (let i = first; i < ports; i++) {
    const p = port(i);
    if (p.txHead == p.txTail) continue;
    const slot = txSlot(p, p.txTail - 1);
    buffer.next = slot.owned;
    slot.owned = <u32>changetype<usize>(buffer);
    return;
  }
  bufferGive(buffer);
}

/** What a frame of port `p` owned: the frames of the ports behind it may refer to it. */
function giveOwned(p: Port, chain: usize): void {
  const next = p.id + 1;
  if (next >= root().ports) {
    chainGive(chain);
    return;
  }
  for (let at = chain; at != 0; ) {
    const buffer = changetype<Buffer>(at);
    at = buffer.next;
    txRelease(buffer, next);
  }
}

/** The shell has sent `sent` frames: gives their chains back. More than there are is cut to what there is. */
export function txDone(p: Port, sent: u32): void {
  let left = min(sent, p.txTail - p.txHead);
  while (left > 0) {
    const slot = txSlot(p, p.txHead);
    if (slot.owned != 0) {
      giveOwned(p, slot.owned);
      slot.owned = 0;
    }
    p.txHead++;
    left--;
  }
  txRewind(p);
}

import { complement, fold, sumBytes } from "./checksum.js";
import {
  fixIpChecksum,
  fixTransportChecksum,
  PROTOCOL_TCP,
  parseIpv4,
  pseudoHeaderSum,
  read16,
  read32,
  TcpBit,
  write16,
  write32,
} from "./frame.js";

const VIRTIO_NEEDS_CSUM = 1;
const VIRTIO_DATA_VALID = 2;
const VIRTIO_GSO_TCPV4 = 1;

/** What a port is asked to finish before a frame goes on the wire. */
export interface Unfinished {
  /** Frame from the Ethernet header on. */
  bytes: Uint8Array;
  /** Payload bytes per segment of a super-frame, else 0. */
  segmentSize: number;
  /**
   * Where the checksum starts (offset in the frame), and where it is stored from there; 0 and 0: it is
   * finished.
   */
  checksumStart: number;
  checksumOffset: number;
}

/** Reads the virtio-net header (VIRTIO 1.2, section 5.1.6) that stands in front of a frame. */
export function readVirtioHeader(bytes: Uint8Array, headerLength: number): Unfinished {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerLength);
  const needs = ((bytes[0] ?? 0) & VIRTIO_NEEDS_CSUM) !== 0;
  const type = bytes[1] ?? 0;
  if (type !== 0 && type !== VIRTIO_GSO_TCPV4)
    throw new Error(`virtio-net header with segmentation type ${type}`);
  if (type !== 0 && !needs) throw new Error("virtio-net header asks for segmentation but not for a checksum");
  return {
    bytes: bytes.subarray(headerLength),
    segmentSize: type === 0 ? 0 : view.getUint16(4, true),
    checksumStart: needs ? view.getUint16(6, true) : 0,
    checksumOffset: needs ? view.getUint16(8, true) : 0,
  };
}

/** A frame with a virtio-net header in front that says what the receiver may rely on. */
export function withVirtioHeader(frame: Unfinished, headerLength: number, valid: boolean): Uint8Array {
  const bytes = new Uint8Array(headerLength + frame.bytes.length);
  bytes.set(frame.bytes, headerLength);
  const view = new DataView(bytes.buffer);
  if (frame.checksumStart > 0) {
    bytes[0] = VIRTIO_NEEDS_CSUM;
    view.setUint16(6, frame.checksumStart, true);
    view.setUint16(8, frame.checksumOffset, true);
    if (frame.segmentSize > 0) {
      bytes[1] = VIRTIO_GSO_TCPV4;
      view.setUint16(4, frame.segmentSize, true);
    }
  } else if (valid) {
    bytes[0] = VIRTIO_DATA_VALID;
  }
  return bytes;
}

/**
 * Throws unless the checksum field holds what a port expects there: the pseudo-header's sum, not
 * complemented.
 */
function checkPartialChecksum(frame: Unfinished): void {
  const ip = parseIpv4(frame.bytes);
  if (ip === undefined) throw new Error("checksum offload asked for a frame that is no IPv4 packet");
  if (frame.checksumStart !== ip.transport)
    throw new Error("checksum offload starts beside the transport header");
  const found = read16(frame.bytes, frame.checksumStart + frame.checksumOffset);
  const expected = fold(pseudoHeaderSum(frame.bytes, ip, ip.end - ip.transport));
  // 0 and 0xffff are the same number in ones' complement.
  if (found % 0xffff !== expected % 0xffff) {
    throw new Error(
      `partial checksum is ${found.toString(16)}, the pseudo-header's sum ${expected.toString(16)}`,
    );
  }
}

/**
 * Cuts a super-frame as a NIC does: same headers, lengths, IP ids, sequence numbers and checksums of each
 * segment.
 */
function cut(frame: Unfinished): Uint8Array[] {
  const bytes = frame.bytes;
  const ip = parseIpv4(bytes);
  if (ip === undefined || ip.protocol !== PROTOCOL_TCP)
    throw new Error("segmentation of what is not TCP over IPv4");
  const payloadAt = ip.transport + ((bytes[ip.transport + 12] ?? 0) >> 4) * 4;
  const flags = bytes[ip.transport + 13] ?? 0;
  if ((flags & (TcpBit.syn | TcpBit.rst | TcpBit.urg)) !== 0)
    throw new Error("segmentation of a SYN, RST or URG");
  const id = read16(bytes, ip.header + 4);
  const sequence = read32(bytes, ip.transport + 4);
  const segments: Uint8Array[] = [];
  for (let at = payloadAt; at < ip.end; at += frame.segmentSize) {
    const length = Math.min(frame.segmentSize, ip.end - at);
    const last = at + length >= ip.end;
    const segment = new Uint8Array(payloadAt + length);
    segment.set(bytes.subarray(0, payloadAt));
    segment.set(bytes.subarray(at, at + length), payloadAt);
    write16(segment, ip.header + 2, segment.length - ip.header);
    write16(segment, ip.header + 4, (id + segments.length) & 0xffff);
    write32(segment, ip.transport + 4, (sequence + at - payloadAt) >>> 0);
    if (!last) segment[ip.transport + 13] = flags & ~(TcpBit.fin | TcpBit.psh);
    // CWR belongs to the first segment only (RFC 3168, section 6.1.2).
    if (segments.length > 0) segment[ip.transport + 13] = (segment[ip.transport + 13] ?? 0) & ~TcpBit.cwr;
    const own = parseIpv4(segment);
    if (own === undefined) throw new Error("segmentation made a packet that cannot be parsed");
    fixIpChecksum(segment, own);
    fixTransportChecksum(segment, own);
    segments.push(segment);
  }
  return segments;
}

/** What goes on the wire for a frame: finished checksums, and super-frames cut into segments. */
export function finish(frame: Unfinished): Uint8Array[] {
  if (frame.checksumStart === 0) {
    if (frame.segmentSize > 0) throw new Error("segmentation asked for without checksum offload");
    return [frame.bytes];
  }
  checkPartialChecksum(frame);
  if (frame.segmentSize > 0) return cut(frame);
  const bytes = frame.bytes;
  const ip = parseIpv4(bytes);
  const end = ip?.end ?? bytes.length;
  const checksum = complement(sumBytes(bytes, frame.checksumStart, end - frame.checksumStart));
  const udpZero = checksum === 0 && ip?.protocol === 17;
  write16(bytes, frame.checksumStart + frame.checksumOffset, udpZero ? 0xffff : checksum);
  return [bytes];
}

/**
 * Bytes of struct virtio_net_hdr as PACKET_VNET_HDR uses it (VIRTIO 1.2, section 5.1.6, without num_buffers).
 */
export const VIRTIO_NET_HEADER: u32 = 10;
/** The checksum field holds the pseudo-header's sum; whoever puts the frame on a wire finishes it. */
const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;

/**
 * Whether the header says that the transport checksum needs no check: it was verified, or the frame never was
 * on a wire. Lengths in the header are hints of the sender and never used.
 */
export function virtioNetChecksumGood(header: usize): bool {
  return (load<u8>(header) & (NEEDS_CSUM | DATA_VALID)) != 0;
}

/** Whether the checksum field holds the pseudo-header's sum, to be finished by who puts it on a wire. */
export function virtioNetNeedsChecksum(header: usize): bool {
  return (load<u8>(header) & NEEDS_CSUM) != 0;
}

/** Whether the frame is a super-frame of any kind. */
export function virtioNetIsSuper(header: usize): bool {
  return load<u8>(header, 1) != GSO_NONE;
}

/** Payload of each segment of a super-frame of TCP; 0: it is none. */
export function virtioNetSegmentSize(header: usize): u16 {
  const kind = load<u8>(header, 1);
  return kind == GSO_TCPV4 || kind == GSO_TCPV6 ? load<u16>(header, 4) : <u16>0;
}

/**
 * Which stack of the sending program ltran says a frame is from, counted from one; 0: it does not say. It
 * stands where a super-frame has the size of its segments, and any other frame nothing.
 */
export function virtioNetSender(header: usize): u32 {
  return load<u8>(header, 1) == GSO_NONE ? load<u16>(header, 4) : 0;
}

/** Says in the header of a frame that is no super-frame which stack of its sender it is from. */
export function virtioNetSetSender(header: usize, sender: u16): void {
  store<u16>(header, sender, 4);
}

/** Where the checksum starts, counted from the Ethernet header. */
export function virtioNetChecksumStart(header: usize): u32 {
  return load<u16>(header, 6);
}

/** Where the checksum is stored, counted from there. */
export function virtioNetChecksumOffset(header: usize): u32 {
  return load<u16>(header, 8);
}

/** Changes where the checksum starts, after something was taken out in front of it. */
export function virtioNetSetChecksumStart(header: usize, start: u16): void {
  store<u16>(header, start, 6);
}

/** Writes the header of a frame whose checksum was verified. */
export function virtioNetWriteValid(header: usize): void {
  store<u64>(header, DATA_VALID);
  store<u16>(header, 0, 8);
}

/** Writes the header of a frame that needs nothing from the port. */
export function virtioNetWritePlain(header: usize): void {
  store<u64>(header, 0);
  store<u16>(header, 0, 8);
}

/**
 * Writes the header of a frame whose checksum the port finishes: `start` counts from the Ethernet header,
 * `offset` from there. `segmentSize` > 0: the frame is a super-frame of TCP to be cut into segments of that
 * much payload, over IPv6 or IPv4.
 */
export function virtioNetWriteChecksum(
  header: usize,
  start: u16,
  offset: u16,
  headerLength: u16,
  segmentSize: u16,
  isIpv6: bool,
): void {
  store<u8>(header, NEEDS_CSUM);
  store<u8>(header, segmentSize == 0 ? GSO_NONE : isIpv6 ? GSO_TCPV6 : GSO_TCPV4, 1);
  store<u16>(header, segmentSize > 0 ? headerLength : <u16>0, 2);
  store<u16>(header, segmentSize, 4);
  store<u16>(header, start, 6);
  store<u16>(header, offset, 8);
}

/**
 * Bytes of struct virtio_net_hdr as PACKET_VNET_HDR uses it (VIRTIO 1.2, section 5.1.6, without num_buffers).
 */
export const VIRTIO_NET_HEADER: u32 = 10;
/** The checksum field holds the pseudo-header's sum; whoever puts the frame on a wire finishes it. */
const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;

/**
 * Whether the header says that the transport checksum needs no check: it was verified, or the frame never was
 * on a wire. Lengths in the header are hints of the sender and never used.
 */
export function virtioNetChecksumGood(header: usize): bool {
  return (load<u8>(header) & (NEEDS_CSUM | DATA_VALID)) != 0;
}

/** Writes the header of a frame that needs nothing from the port. */
export function virtioNetWritePlain(header: usize): void {
  store<u64>(header, 0);
  store<u16>(header, 0, 8);
}

/**
 * Writes the header of a frame whose checksum the port finishes: `start` counts from the Ethernet header,
 * `offset` from there. `segmentSize` > 0: the frame is a super-frame of TCP over IPv4 to be cut into segments
 * of that much payload.
 */
export function virtioNetWriteChecksum(
  header: usize,
  start: u16,
  offset: u16,
  headerLength: u16,
  segmentSize: u16,
): void {
  store<u8>(header, NEEDS_CSUM);
  store<u8>(header, segmentSize > 0 ? GSO_TCPV4 : GSO_NONE, 1);
  store<u16>(header, segmentSize > 0 ? headerLength : <u16>0, 2);
  store<u16>(header, segmentSize, 4);
  store<u16>(header, start, 6);
  store<u16>(header, offset, 8);
}

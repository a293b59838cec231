import { loadBig16, storeBig16 } from "./bytes";

/** Bytes of a header (RFC 768). */
export const UDP_HEADER: u32 = 8;
/** Offset of the checksum in the header. */
export const UDP_CHECKSUM: u32 = 6;
/** Most payload of a datagram over IPv4. */
export const UDP_PAYLOAD_MAX: u32 = 65507;

/** Source port. */
export function udpSourcePort(datagram: usize): u16 {
  return loadBig16(datagram);
}

/** Destination port. */
export function udpDestinationPort(datagram: usize): u16 {
  return loadBig16(datagram + 2);
}

/** Bytes of header and payload. */
export function udpLength(datagram: usize): u32 {
  return <u32>loadBig16(datagram + 4);
}

/** The checksum, memory order; 0: the sender computed none. */
export function udpChecksum(datagram: usize): u16 {
  return load<u16>(datagram, UDP_CHECKSUM);
}

/** Writes a header with the checksum field 0; `length` is header and payload. */
export function udpWrite(datagram: usize, sourcePort: u16, destinationPort: u16, length: u32): void {
  storeBig16(datagram, sourcePort);
  storeBig16(datagram + 2, destinationPort);
  storeBig16(datagram + 4, <u16>length);
  store<u16>(datagram, 0, UDP_CHECKSUM);
}

/** Stores a complemented sum; a sum of zero is sent as all ones, since zero means "none". */
export function udpStoreChecksum(datagram: usize, checksum: u16): void {
  store<u16>(datagram, checksum == 0 ? <u16>0xffff : checksum, UDP_CHECKSUM);
}

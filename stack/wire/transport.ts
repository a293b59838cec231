import { PROTOCOL_UDP } from "./ipv4";
import { UDP_CHECKSUM } from "./udp";

const TCP_CHECKSUM: u32 = 16;

/** Where the checksum lies in a TCP or UDP header. */
export function checksumPosition(protocol: u8): u32 {
  return protocol == PROTOCOL_UDP ? UDP_CHECKSUM : TCP_CHECKSUM;
}

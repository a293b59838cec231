import { IPV4_OFFSET_MASK } from "../../../stack/wire/ipv4";
import {
  IPV6_EXTENSION,
  IPV6_HEADER,
  Ipv6Extension,
  ipv6ExtensionLength,
  ipv6ExtensionNext,
  ipv6FragmentIdentification,
  ipv6FragmentPlace,
  ipv6IsExtension,
  ipv6NextHeader,
} from "../../../stack/wire/ipv6";
import { HEADER_CHAIN } from "../memory/map";
import { DropReason } from "../stats/drop";

/** The way from the fixed header of an IPv6 packet to its transport header (RFC 8200, section 4). */

/** Extension headers of a packet that are walked over. */
const HEADERS_MOST: u32 = 8;

/** What the headers of a packet say. */
@unmanaged
class HeaderChain {
  /** Bytes of all of them, the fixed one included. */
  length: u32;
  /** The protocol behind them; of a later fragment, what the first one goes on with. */
  protocol: u8;
  /** Flags and offset, as IPv4 has them; whether there is a fragment header, and the packet's number. */
  fragment: u32;
  isFragment: u32;
  identification: u32;
}

/** What chainWalk() found last. */
export function headerChain(): HeaderChain {
  return changetype<HeaderChain>(HEADER_CHAIN);
}

/**
 * Walks over the headers of a packet of `total` bytes, of which `present` can be looked at, the fixed header
 * among them: into headerChain(). DropReason.count, or why it cannot be done.
 */
export function chainWalk(packet: usize, present: u32, total: u32): DropReason {
  const c = headerChain();
  c.length = IPV6_HEADER;
  c.protocol = ipv6NextHeader(packet);
  c.fragment = 0;
  c.isFragment = 0;
  c.identification = 0;
  let count: u32 = 0;
  // Behind the header of a later fragment is a part of the payload.
  while (ipv6IsExtension(c.protocol) && (c.fragment & IPV4_OFFSET_MASK) == 0) {
    if (c.length + IPV6_EXTENSION > total) return DropReason.ipHeader;
    if (c.length + IPV6_EXTENSION > present || count == HEADERS_MOST) return DropReason.extensionHeaders;
    const header = packet + <usize>c.length;
    // It stands first, or nowhere.
    if (c.protocol == <u8>Ipv6Extension.hopByHop && count > 0) return DropReason.ipHeader;
    if (c.protocol == <u8>Ipv6Extension.fragment) {
      if (c.isFragment != 0) return DropReason.ipHeader;
      c.isFragment = 1;
      c.fragment = ipv6FragmentPlace(header);
      c.identification = ipv6FragmentIdentification(header);
    }
    c.length += ipv6ExtensionLength(c.protocol, header);
    c.protocol = ipv6ExtensionNext(header);
    count++;
  }
  if (c.length > total) return DropReason.ipHeader;
  return c.length > present ? DropReason.extensionHeaders : DropReason.count;
}

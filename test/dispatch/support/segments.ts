import { ethernet, ipv4, macOf, type Seen, seen } from "../../stack/support/frames.js";
import { ETHER_IPV6, ipv6, type Seen6, seen6 } from "../../stack/support/ipv6.js";
import { parseTcp, type Segment, tcp } from "../../stack/support/tcp-segment.js";

export const NIC_MAC = macOf(1);
export const PEER_MAC = macOf(9);

/** A TCP segment in its frame, as these tests speak of it. */
export interface Seg {
  from: string;
  to: string;
  fromMac?: Uint8Array;
  toMac?: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  flags: string;
  sequence?: number;
  acknowledgement?: number;
  /** Bytes, or how many. */
  payload?: number | Uint8Array;
}

/** A frame with a TCP segment. */
export function segment(s: Seg): Uint8Array {
  const payload = typeof s.payload === "object" ? s.payload : new Uint8Array(s.payload ?? 0).fill(0x61);
  const bytes = tcp(
    {
      sourcePort: s.sourcePort,
      destinationPort: s.destinationPort,
      sequence: s.sequence ?? 0,
      acknowledgement: s.acknowledgement ?? 0,
      flags: s.flags,
      window: 1000,
      payload,
    },
    s.from,
    s.to,
  );
  const packet = { source: s.from, destination: s.to, protocol: 6, payload: bytes };
  const [to, from] = [s.toMac ?? NIC_MAC, s.fromMac ?? PEER_MAC];
  return s.to.includes(":")
    ? ethernet(to, from, ETHER_IPV6, ipv6(packet))
    : ethernet(to, from, 0x0800, ipv4(packet));
}

/** The segment in a frame, its checksums found right, with the link and IP headers' facts. */
export function inner(frame: Uint8Array): Segment & { link: Seen } {
  const link = seen(frame);
  if (link.ip === undefined) throw new Error("not IPv4");
  return { ...parseTcp(link.ip.payload, link.ip.source, link.ip.destination), link };
}

/** The same of a segment over IPv6. */
export function inner6(frame: Uint8Array): Segment & { link: Seen6 } {
  const link = seen6(frame);
  return { ...parseTcp(link.payload, link.source, link.destination), link };
}

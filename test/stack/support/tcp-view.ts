import { read16, read32 } from "./frames.js";

/** What the tests look at in a TCP segment, or a UDP datagram, in an Ethernet frame without IP options. */
export interface SegmentView {
  protocol: number;
  tos: number;
  ttl: number;
  syn: boolean;
  fin: boolean;
  rst: boolean;
  ack: boolean;
  sequence: number;
  acknowledgement: number;
  window: number;
  /** Bytes of payload. */
  length: number;
  /** Values of the MSS and window scale options, if they are there. */
  mss: number | undefined;
  scale: number | undefined;
}

const ETHERNET = 14;
const IPV4 = 20;

function option(frame: Uint8Array, from: number, to: number, kind: number): number | undefined {
  for (let at = from; at < to; ) {
    const found = frame[at] as number;
    if (found === 0) return undefined;
    if (found === 1) {
      at++;
      continue;
    }
    if (found === kind) return kind === 2 ? read16(frame, at + 2) : frame[at + 2];
    at += frame[at + 1] as number;
  }
  return undefined;
}

/** Takes a frame apart; undefined when it is not IPv4 with TCP. */
export function tcpView(frame: Uint8Array): SegmentView | undefined {
  if (read16(frame, 12) !== 0x0800 || frame[ETHERNET + 9] !== 6) return undefined;
  const at = ETHERNET + IPV4;
  const header = ((frame[at + 12] as number) >> 4) * 4;
  const flags = frame[at + 13] as number;
  return {
    protocol: 6,
    tos: frame[ETHERNET + 1] as number,
    ttl: frame[ETHERNET + 8] as number,
    fin: (flags & 1) !== 0,
    syn: (flags & 2) !== 0,
    rst: (flags & 4) !== 0,
    ack: (flags & 16) !== 0,
    sequence: read32(frame, at + 4),
    acknowledgement: read32(frame, at + 8),
    window: read16(frame, at + 14),
    length: read16(frame, ETHERNET + 2) - IPV4 - header,
    mss: option(frame, at + 20, at + header, 2),
    scale: option(frame, at + 20, at + header, 3),
  };
}

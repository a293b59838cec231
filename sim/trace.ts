import {
  ETHER_ARP,
  isFragment,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  parseIpv4,
  read16,
  read32,
  TcpBit,
} from "./wire/frame.js";

function ipText(frame: Uint8Array, at: number): string {
  return [...frame.subarray(at, at + 4)].join(".");
}

function tcpFlags(bits: number): string {
  const letters: [number, string][] = [
    [TcpBit.syn, "S"],
    [TcpBit.fin, "F"],
    [TcpBit.rst, "R"],
    [TcpBit.psh, "P"],
    [TcpBit.urg, "U"],
    [TcpBit.ece, "E"],
    [TcpBit.cwr, "W"],
    [TcpBit.ack, "."],
  ];
  return letters.map(([bit, letter]) => (bits & bit ? letter : "")).join("");
}

/** The options of a TCP header that matter to a reader, " sack 1:2 3:4" and the like. */
function tcpOptions(frame: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; ) {
    const kind = frame[at] ?? 0;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : (frame[at + 1] ?? 0);
    if (length === 0) return `${text} [bad options]`;
    if (kind === 2) text += ` mss ${read16(frame, at + 2)}`;
    if (kind === 3) text += ` wscale ${frame[at + 2]}`;
    if (kind === 4) text += " sackOK";
    if (kind === 5) {
      text += " sack";
      for (let block = at + 2; block + 8 <= at + length; block += 8) {
        text += ` ${read32(frame, block)}:${read32(frame, block + 4)}`;
      }
    }
    if (kind === 8) text += ` ts ${read32(frame, at + 2)}/${read32(frame, at + 6)}`;
    at += length;
  }
  return text;
}

function tcpText(frame: Uint8Array, at: number, end: number): string {
  const headerLength = ((frame[at + 12] ?? 0) >> 4) * 4;
  const length = end - at - headerLength;
  const sequence = read32(frame, at + 4);
  return (
    `${tcpFlags(frame[at + 13] ?? 0)} seq ${sequence}:${(sequence + length) >>> 0} (${length})` +
    ` ack ${read32(frame, at + 8)} win ${read16(frame, at + 14)}` +
    tcpOptions(frame, at + 20, Math.min(frame.length, at + headerLength))
  );
}

/** One frame in a line, as a reader of packet traces expects it. */
function describeFrame(frame: Uint8Array): string {
  if (read16(frame, 12) === ETHER_ARP) {
    const kind = read16(frame, 20) === 1 ? "who has" : "reply about";
    return `ARP ${kind} ${ipText(frame, 38)} from ${ipText(frame, 28)}`;
  }
  const ip = parseIpv4(frame);
  if (ip === undefined) return `${frame.length} bytes, ether type ${read16(frame, 12).toString(16)}`;
  const source = ipText(frame, ip.header + 12);
  const target = ipText(frame, ip.header + 16);
  const length = ip.end - ip.transport;
  if (isFragment(ip)) {
    const more = ip.moreFragments ? "+" : "";
    return `${source} > ${target} protocol ${ip.protocol} fragment ${ip.fragmentOffset}+${length}${more}`;
  }
  if (ip.protocol === PROTOCOL_ICMP) {
    const [type, code] = frame.subarray(ip.transport);
    return `${source} > ${target} ICMP type ${type} code ${code} (${length})`;
  }
  const ports = `${source}:${read16(frame, ip.transport)} > ${target}:${read16(frame, ip.transport + 2)}`;
  if (ip.protocol === PROTOCOL_TCP) return `${ports} ${tcpText(frame, ip.transport, ip.end)}`;
  if (ip.protocol === PROTOCOL_UDP) return `${ports} UDP (${length - 8})`;
  return `${source} > ${target} protocol ${ip.protocol} (${length})`;
}

/** A line of a trace: virtual time, where the frame was seen, the frame, and what became of it. */
export function traceLine(microseconds: number, place: string, frame: Uint8Array, fate: string): string {
  const time = (microseconds / 1e6).toFixed(6).padStart(12);
  return `${time} ${place.padEnd(9)} ${describeFrame(frame)}${fate === "" ? "" : `  [${fate.trim()}]`}`;
}

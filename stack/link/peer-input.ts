import { Port, RxFlag } from "../memory/port";
import { Counter, count } from "../stats/counters";
import { DropReason, drop } from "../stats/drop";
import { aboutFrame } from "../stats/subject";
import { IPV4_HIGH, ipv4Low } from "../wire/address";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetSource, ethernetType } from "../wire/ethernet";
import { IPV4_HEADER, ipv4Destination, ipv4Source } from "../wire/ipv4";
import { addressFind } from "./addresses";
import { linkInput } from "./input";

/** Whether a frame is an IPv4 packet from the peer's addresses to an address of ours. */
function isBetweenUs(p: Port, frame: usize, length: u32): bool {
  if (length < ETHERNET_HEADER + IPV4_HEADER) return false;
  if (ethernetSource(frame) != p.peerMac || ethernetType(frame) != ETHERTYPE_IPV4) return false;
  const packet = frame + ETHERNET_HEADER;
  if (ipv4Low(ipv4Source(packet)) != p.peerLow || IPV4_HIGH != p.peerHigh) return false;
  return changetype<usize>(addressFind(IPV4_HIGH, ipv4Low(ipv4Destination(packet)))) != 0;
}

/**
 * Takes in a frame of the port to another program, a copy that nobody else can reach. The peer speaks for
 * itself only; its checksums are not looked at: memory does not falsify, and its own data it may.
 */
export function peerInput(p: Port, frame: usize, length: u32): void {
  aboutFrame(frame, length);
  if (!isBetweenUs(p, frame, length)) {
    drop(DropReason.peerForged);
    return;
  }
  count(Counter.peerFramesIn);
  linkInput(p, frame, length, length, RxFlag.checksumGood);
}

import { Port, port } from "../memory/port";
import { root } from "../memory/root";

/** What a port to another program on this machine is. */
export enum PeerState {
  /** No such port. */
  none,
  /** The other one may not have attached yet: frames are received, none is sent. */
  offered,
  /** Packets to the peer's address leave by it. */
  open,
}

/** The port to the program that has an address, in whatever state it is, or null (0). */
export function peerFind(high: u64, low: u64): Port {
  const ports = root().ports;
  for (let i: u32 = 0; i < ports; i++) {
    const p = port(i);
    if (p.open != 0 && p.peer != PeerState.none && p.peerLow == low && p.peerHigh == high) return p;
  }
  return changetype<Port>(0);
}

/**
 * The port that packets to an address leave by because the program that has it is on this machine; or null.
 */
export function peerPort(high: u64, low: u64): Port {
  const none = changetype<Port>(0);
  if (root().peers == 0) return none;
  const p = peerFind(high, low);
  return changetype<usize>(p) != 0 && p.peer == PeerState.open ? p : none;
}

import { Port, port } from "../memory/port";
import { root } from "../memory/root";

/** What a port to another program on this machine is. */
export enum PeerState {
  /** No such port. */
  none,
  /** The other one may not have attached yet: frames are received, none is sent. */
  offered,
  /** What is for the stack at its other end may leave by it. */
  open,
}

/** Whether the address alone says which stack is meant, as both programs have one only. */
export function peerIsAlone(p: Port): bool {
  return p.peerStacks <= 1 && root().stackCount <= 1;
}

/** The port to stack `stack` of the program that has an address, in whatever state it is, or null (0). */
export function peerFind(high: u64, low: u64, stack: u32): Port {
  const ports = root().ports;
  for (let i: u32 = 0; i < ports; i++) {
    const p = port(i);
    const isTo = p.peerLow == low && p.peerHigh == high && p.peerStack == stack;
    if (p.open != 0 && p.peer != PeerState.none && isTo) return p;
  }
  return changetype<Port>(0);
}

/**
 * The port that all packets to an address leave by, because the program that has it is on this machine and
 * there is one stack at each end; or null.
 */
export function peerPort(high: u64, low: u64): Port {
  const none = changetype<Port>(0);
  if (root().peers == 0) return none;
  const p = peerFind(high, low, 0);
  return changetype<usize>(p) != 0 && p.peer == PeerState.open && peerIsAlone(p) ? p : none;
}

/**
 * The port by which a packet that came by `p` from an address can be answered past ltran: the ring that it
 * came by, or the one to the stack that ltran says it is from. Null: there is none.
 */
export function peerAnswers(p: Port, high: u64, low: u64): Port {
  const none = changetype<Port>(0);
  const r = root();
  if (r.peers == 0) return none;
  let to = p;
  if (p.peer == PeerState.none) {
    if (p.ring == 0 || r.sender == 0) return none;
    to = peerFind(high, low, r.sender - 1);
    if (changetype<usize>(to) == 0) return none;
  }
  return to.peer == PeerState.open ? to : none;
}

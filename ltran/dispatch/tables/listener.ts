import { poolGiveTo, poolTakeFrom } from "../../../stack/memory/pool";
import { mix } from "../../../stack/random/random";
import { sipHash } from "../../../stack/random/siphash";
import { PoolOf, poolFree, poolOf } from "../memory/pools";
import { root } from "../memory/root";
import { Counter, count } from "../stats/counters";
import { Address } from "./address";
import { Vport, VportState, vport } from "./vport";

/** A listener (TCP), or a binding of a datagram socket, of one vport. */
@unmanaged
export class Listener {
  /** Next of its bucket. */
  next: usize;
  addressId: u32;
  owner: u32;
  port: u16;
  protocol: u8;
  backlog: u32;
  /** Sockets that announced it. With the last it serves nobody, but stays until its connections are gone. */
  holders: u32;
  /** Flows that came by it, and those of them that are tentative. */
  connections: u32;
  tentative: u32;
  /** List of its owner's. */
  ownerPrevious: usize;
  ownerNext: usize;
}

/** Tentative flows of one listener: at least, and at most. In between its backlog decides. */
const TENTATIVE_LEAST: u32 = 64;
const TENTATIVE_MOST: u32 = 4096;
/** A tenth of the flows may be tentative at one listener at most. */
const TENTATIVE_SHARE: u32 = 10;

@unmanaged
class Bucket {
  head: usize;
}

function bucket(addressId: u32, protocol: u8, port: u16): Bucket {
  const r = root();
  const key = ((<u64>addressId) << 32) | ((<u64>protocol) << 16) | <u64>port;
  const hash = mix(key ^ r.tableKey);
  return changetype<Bucket>(r.listeners + ((<usize>(<u32>(hash >> 32) & r.listenerMask)) << 2));
}

/** Next of a chain, from `at` on, that is for an endpoint and of an open vport; null (0) at the end. */
function matching(at: usize, addressId: u32, protocol: u8, port: u16): Listener {
  let next = at;
  while (next != 0) {
    const l = changetype<Listener>(next);
    const fits = l.port == port && l.addressId == addressId && l.protocol == protocol;
    if (fits && l.holders > 0 && vport(l.owner).state == VportState.open) return l;
    next = l.next;
  }
  return changetype<Listener>(0);
}

/** A vport's own listener, or null (0). */
export function listenerOf(v: Vport, a: Address, protocol: u8, port: u16): Listener {
  let at = bucket(a.id, protocol, port).head;
  while (at != 0) {
    const l = changetype<Listener>(at);
    if (l.owner == v.id && l.port == port && l.addressId == a.id && l.protocol == protocol) return l;
    at = l.next;
  }
  return changetype<Listener>(0);
}

/** The listener of an endpoint with the fewest connections, or null (0). */
export function listenerFewest(a: Address, protocol: u8, port: u16): Listener {
  let best = matching(bucket(a.id, protocol, port).head, a.id, protocol, port);
  if (changetype<usize>(best) == 0) return best;
  let other = matching(best.next, a.id, protocol, port);
  while (changetype<usize>(other) != 0) {
    if (other.connections < best.connections) best = other;
    other = matching(other.next, a.id, protocol, port);
  }
  return best;
}

/** Whether several vports have one for this endpoint. */
export function listenersAreSeveral(a: Address, protocol: u8, port: u16): bool {
  const first = matching(bucket(a.id, protocol, port).head, a.id, protocol, port);
  if (changetype<usize>(first) == 0) return false;
  return changetype<usize>(matching(first.next, a.id, protocol, port)) != 0;
}

/**
 * The listener that a remote endpoint's keyed hash chooses, or null (0): always the same one while vports and
 * listeners are, with nothing remembered. Each vport's number is hashed with the endpoint, the highest wins,
 * so that one that comes or goes moves no choice among the others.
 */
export function listenerByHash(
  a: Address,
  protocol: u8,
  port: u16,
  remoteHigh: u64,
  remoteLow: u64,
  remotePort: u16,
): Listener {
  const r = root();
  let best = changetype<Listener>(0);
  let highest: u64 = 0;
  let l = matching(bucket(a.id, protocol, port).head, a.id, protocol, port);
  while (changetype<usize>(l) != 0) {
    const ports = ((<u64>port) << 16) | <u64>remotePort;
    const hash = sipHash(r.choiceKey0, r.choiceKey1, remoteHigh, remoteLow, ports, l.owner, protocol);
    if (changetype<usize>(best) == 0 || hash > highest) {
      best = l;
      highest = hash;
    }
    l = matching(l.next, a.id, protocol, port);
  }
  return best;
}

/** Adds a listener of `v`, or one more holder to the one it has; false, counted, when there is no room. */
export function listenerAdd(v: Vport, protocol: u8, port: u16, backlog: u32): bool {
  const a = changetype<Address>(v.address);
  let l = listenerOf(v, a, protocol, port);
  if (changetype<usize>(l) != 0) {
    l.holders++;
    l.backlog = backlog;
    return true;
  }
  const p = poolOf(PoolOf.listener);
  // A vport may have as many as are still free, so that others always find room.
  l = changetype<Listener>(v.listeners < poolFree(p) ? poolTakeFrom(p) : 0);
  if (changetype<usize>(l) == 0) {
    count(Counter.listenersRefused);
    return false;
  }
  const b = bucket(a.id, protocol, port);
  l.next = b.head;
  b.head = changetype<usize>(l);
  l.addressId = a.id;
  l.owner = v.id;
  l.port = port;
  l.protocol = protocol;
  l.backlog = backlog;
  l.holders = 1;
  l.connections = 0;
  l.tentative = 0;
  l.ownerPrevious = 0;
  l.ownerNext = v.listenerHead;
  if (v.listenerHead != 0) changetype<Listener>(v.listenerHead).ownerPrevious = changetype<usize>(l);
  v.listenerHead = changetype<usize>(l);
  v.listeners++;
  return true;
}

/** Takes a listener out of every list and gives it back. */
export function listenerFree(l: Listener): void {
  const v = vport(l.owner);
  const b = bucket(l.addressId, l.protocol, l.port);
  if (b.head == changetype<usize>(l)) {
    b.head = l.next;
  } else {
    let at = changetype<Listener>(b.head);
    while (at.next != changetype<usize>(l)) at = changetype<Listener>(at.next);
    at.next = l.next;
  }
  if (l.ownerPrevious == 0) v.listenerHead = l.ownerNext;
  else changetype<Listener>(l.ownerPrevious).ownerNext = l.ownerNext;
  if (l.ownerNext != 0) changetype<Listener>(l.ownerNext).ownerPrevious = l.ownerPrevious;
  v.listeners--;
  // Who looks at the pool sees by it that the listener is free.
  l.protocol = 0;
  poolGiveTo(poolOf(PoolOf.listener), changetype<usize>(l));
}

/** Gives a listener back that nobody holds and that no flow is counted at. */
export function listenerTidy(l: Listener): void {
  if (l.holders == 0 && l.connections == 0) listenerFree(l);
}

/** Whether a listener may have one more tentative flow. */
export function listenerHasRoom(l: Listener): bool {
  const most = min(TENTATIVE_MOST, poolOf(PoolOf.flow).capacity / TENTATIVE_SHARE);
  return l.tentative < min(max(l.backlog, TENTATIVE_LEAST), most);
}

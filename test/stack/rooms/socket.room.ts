/** The socket doors, with a way to make things happen to a socket without a network. */

import { EPOLLERR, EPOLLIN } from "../../../build/generated/system";
import { regionCreate } from "../../../stack/create";
import { addressAssign } from "../../../stack/ip/addresses";
import { callEndpoint } from "../../../stack/memory/call";
import { PoolId, pool } from "../../../stack/memory/pool";
import { port } from "../../../stack/memory/port";
import { root } from "../../../stack/memory/root";
import { socketNotify } from "../../../stack/socket/readiness";
import { socketOf } from "../../../stack/socket/socket";
import { datagramPut } from "../../../stack/udp/queue";

export * from "../../../stack/socket/doors";

/** A region of `size` bytes with one port and the address in the call area's endpoint. */
export function open(size: u32): i32 {
  const result = regionCreate(size, 1000000);
  if (result != 0) return result;
  root().ports = 1;
  const p = port(0);
  p.id = 0;
  p.mtu = 1500;
  p.linkUp = 1;
  return addressAssign(p, callEndpoint().high, callEndpoint().low, 24);
}

/** Another address of the same port, from the call area's endpoint. */
export function addAddress(): i32 {
  return addressAssign(port(0), callEndpoint().high, callEndpoint().low, 24);
}

/** A datagram of `length` bytes at `payload` arrives, from the call area's endpoint. */
export function deliver(handle: i32, payload: u32, length: u32): i32 {
  const socket = socketOf(handle);
  const datagram = datagramPut(socket, payload, length);
  if (changetype<usize>(datagram) == 0) return 0;
  datagram.sourceHigh = callEndpoint().high;
  datagram.sourceLow = callEndpoint().low;
  datagram.sourcePort = callEndpoint().port;
  datagram.destinationHigh = socket.localHigh;
  datagram.destinationLow = socket.localLow;
  socketNotify(socket, EPOLLIN);
  return 1;
}

/** An error arrives for a socket. */
export function fail(handle: i32, errno: i32): void {
  const socket = socketOf(handle);
  socket.error = errno;
  socketNotify(socket, EPOLLERR);
}

/** A notification that says nothing new. */
export function notify(handle: i32, events: u32): void {
  socketNotify(socketOf(handle), events);
}

export function used(id: u32): u32 {
  return pool(<PoolId>id).used;
}

export function capacity(id: u32): u32 {
  return pool(<PoolId>id).capacity;
}

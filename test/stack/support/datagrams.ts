import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import {
  SO_BROADCAST,
  SO_RCVBUF,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../../build/generated/node/system.js";
import type { Lan } from "./lan.js";

/** A datagram socket bound to a port of every own address, or of `ip`. */
export function openDatagram(
  lan: Lan,
  port: number,
  ip = "0.0.0.0",
  options: readonly number[] = [],
): number {
  const handle = lan.host.doors.socketOpen(4, SOCK_DGRAM);
  assert.ok(handle >= 0, `socketOpen: ${handle}`);
  for (const option of options) setOption(lan, handle, option, 1);
  lan.host.setEndpoint({ ip, port });
  assert.equal(lan.host.doors.socketBind(handle), 0);
  return handle;
}

/** setsockopt() of a number at SOL_SOCKET. */
export function setOption(lan: Lan, handle: number, option: number, value: number): void {
  lan.host.view().setInt32(layout.CALL_OPTION, value, true);
  assert.equal(lan.host.doors.socketOptionSet(handle, SOL_SOCKET, option, 4, lan.host.now), 0);
}

/** connect() of a datagram socket. */
export function connectTo(lan: Lan, handle: number, ip: string, port: number): void {
  lan.host.setEndpoint({ ip, port });
  assert.equal(lan.host.doors.socketConnect(handle, lan.host.now), 0);
}

/** sendto(); answers the bytes or -errno. */
export function sendTo(lan: Lan, handle: number, ip: string, port: number, payload: Uint8Array): number {
  lan.host.setEndpoint({ ip, port });
  return sendAll(lan, handle, payload);
}

/** send() on a connected socket. */
export function sendConnected(lan: Lan, handle: number, payload: Uint8Array): number {
  lan.host.clearEndpoint();
  return sendAll(lan, handle, payload);
}

function sendAll(lan: Lan, handle: number, payload: Uint8Array): number {
  return lan.host.send(handle, payload);
}

/** recvfrom(): payload and source of the next datagram, or -errno. */
export function receiveFrom(
  lan: Lan,
  handle: number,
): { payload: Uint8Array; ip: string; port: number } | number {
  const { doors, now } = lan.host;
  const parts: Uint8Array[] = [];
  let offset = 0;
  let total = 0;
  do {
    const planned = doors.socketReceivePlan(handle, 65536, 0, offset, now);
    if (planned < 0) return planned;
    total = Number(lan.host.value());
    if (planned === 0) break;
    parts.push(...lan.host.spans().map((span) => span.slice()));
    offset += planned;
  } while (offset < total);
  const source = lan.host.endpoint();
  assert.equal(doors.socketReceiveCommit(handle, offset, 0, now), 0);
  return { payload: new Uint8Array(Buffer.concat(parts)), ...source };
}

export { SO_BROADCAST, SO_RCVBUF, SO_REUSEPORT };

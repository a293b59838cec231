import { EINPROGRESS, SOCK_STREAM } from "../build/generated/node/system.js";
import { fail } from "./failure.js";
import type { Address, HostOptions, StackHost } from "./host.js";
import { arpReply, isArpRequest } from "./wire/arp.js";
import { parseIpv4, read32 } from "./wire/frame.js";

/** Microseconds in which the initial sequence number's clock goes one on (RFC 6528, section 3). */
const ISN_TICK_US = 4;
const SEQUENCES = 2 ** 32;

/**
 * The initial sequence number that a stack with these options chooses for a connection opened at its very
 * start.
 */
function initialSequence(host: StackHost, options: HostOptions, from: number, to: Address): number {
  host.restart(options);
  const handle = host.doors.socketOpen(4, SOCK_STREAM);
  host.setEndpoint({ ip: options.ip ?? "", port: from });
  if (host.doors.socketBind(handle) !== 0) fail("bind in the search for a sequence number");
  host.setEndpoint(to);
  if (host.doors.socketConnect(handle, host.now) !== -EINPROGRESS)
    fail("connect in the search for a sequence number");
  for (let round = 0; round < 4; round++) {
    for (const frame of host.transmit()) {
      const bytes = frame.bytes.subarray(host.vnet);
      const ip = parseIpv4(bytes);
      if (ip !== undefined) return read32(bytes, ip.transport + 4);
      if (isArpRequest(bytes, to.ip)) host.receive([withPrefix(arpReply(bytes, 99), host.vnet)]);
    }
  }
  return fail("no SYN in the search for a sequence number");
}

function withPrefix(frame: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length + frame.length);
  bytes.set(frame, length);
  return bytes;
}

/**
 * How much later (microseconds) a stack must be started so that its connection from port `from` to `to`
 * begins `before` sequence numbers before they wrap around. Time is an argument of the stack, so this is
 * legitimate.
 */
export function delayUntilWrap(
  host: StackHost,
  options: HostOptions,
  from: number,
  to: Address,
  before: number,
): number {
  const sequence = initialSequence(host, options, from, to);
  return ((SEQUENCES - before - sequence + SEQUENCES) % SEQUENCES) * ISN_TICK_US;
}

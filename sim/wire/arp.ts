import { ETHER_ARP, read16, write16 } from "./frame.js";

const OPERATION = 20;
const SENDER = 22;
const TARGET = 32;
const FRAME_LENGTH = 42;
const REQUEST = 1;
const REPLY = 2;

/** Whether a frame asks for the hardware address of `ip` (RFC 826). */
export function isArpRequest(frame: Uint8Array, ip: string): boolean {
  if (
    frame.length < FRAME_LENGTH ||
    read16(frame, 12) !== ETHER_ARP ||
    read16(frame, OPERATION) !== REQUEST
  ) {
    return false;
  }
  return [...frame.subarray(TARGET + 6, TARGET + 10)].join(".") === ip;
}

/** The answer to a request: the address is at 02:00:00:00:00:`last`. */
export function arpReply(request: Uint8Array, last: number): Uint8Array {
  const reply = request.slice(0, FRAME_LENGTH);
  const hardware = [2, 0, 0, 0, 0, last];
  reply.set(request.subarray(6, 12), 0);
  reply.set(hardware, 6);
  write16(reply, OPERATION, REPLY);
  reply.set(hardware, SENDER);
  reply.set(request.subarray(TARGET + 6, TARGET + 10), SENDER + 6);
  reply.set(request.subarray(SENDER, SENDER + 10), TARGET);
  return reply;
}

import { storeBig16 } from "./bytes";
import { checksumAdd, checksumFold, pseudoSum, storeChecksum } from "./checksum";
import { PROTOCOL_ICMPV6 } from "./ipv6";

/** Types of messages (RFC 4443; RFC 2710 and RFC 3810 for listeners; RFC 4861 for neighbours). */
export enum Icmpv6Type {
  unreachable = 1,
  echoRequest = 128,
  echoReply = 129,
  listenerReport = 131,
  listenerDone = 132,
  routerSolicitation = 133,
  routerAdvertisement = 134,
  neighbourSolicitation = 135,
  neighbourAdvertisement = 136,
  redirect = 137,
  listenerReport2 = 143,
}

/** Code of Icmpv6Type.unreachable (RFC 4443, section 3.1). */
export const ICMPV6_PORT_UNREACHABLE: u8 = 4;
/** Errors have the types below (RFC 4443, section 2.1). */
const INFORMATIONAL: u8 = 128;
const CHECKSUM: u32 = 2;

/** Whether a message of this type is about another packet that was in error. */
export function icmpv6IsError(type: u8): bool {
  return type < INFORMATIONAL;
}

/** Whether a message of this type belongs to neighbour discovery (RFC 4861, section 4). */
export function icmpv6IsNeighbourDiscovery(type: u8): bool {
  return type >= <u8>Icmpv6Type.routerSolicitation && type <= <u8>Icmpv6Type.redirect;
}

/** Whether a message of this type says which groups a host listens to. */
export function icmpv6IsListenerReport(type: u8): bool {
  return (
    type == <u8>Icmpv6Type.listenerReport ||
    type == <u8>Icmpv6Type.listenerDone ||
    type == <u8>Icmpv6Type.listenerReport2
  );
}

/** Writes the first eight bytes of a message, the last four of them zero; the checksum comes last. */
export function icmpv6Write(message: usize, type: u8, code: u8): void {
  store<u64>(message, <u64>type | ((<u64>code) << 8));
}

/** Completes a contiguous message of `length` bytes between two addresses: its checksum. */
export function icmpv6Finish(
  message: usize,
  length: u32,
  sourceHigh: u64,
  sourceLow: u64,
  destinationHigh: u64,
  destinationLow: u64,
): void {
  storeBig16(message + CHECKSUM, 0);
  const sum = pseudoSum(sourceHigh, sourceLow, destinationHigh, destinationLow, PROTOCOL_ICMPV6, length);
  storeChecksum(message + CHECKSUM, ~checksumFold(checksumAdd(sum, message, length)));
}

import { loadBig16, storeBig16, swapped16 } from "./bytes";
import { ETHERNET_HEADER, ethernetWrite } from "./ethernet";

/** LACPDUs as they stand in frames (IEEE 802.1AX-2014, 6.4.2.3), and markers (6.5.3.3). */

export const ETHERTYPE_SLOW: u16 = 0x8809;
/** The Slow_Protocols_Multicast address 01-80-C2-00-00-02 (IEEE 802.1AX-2014, table 6-1). */
const SLOW_GROUP: u64 = 0x0200_00c2_8001;
/** Bytes of a frame with a LACPDU or a marker, without its check sequence. */
export const SLOW_FRAME: u32 = 124;
const SUBTYPE_LACP: u8 = 1;
const SUBTYPE_MARKER: u8 = 2;
const VERSION: u8 = 1;
const MARKER_INFORMATION: u8 = 1;
const MARKER_RESPONSE: u8 = 2;

const SUBTYPE: usize = 14;
/** Where the first TLV of a LACPDU or a marker begins. */
const FIRST: usize = 16;
const ACTOR: usize = FIRST;
const PARTNER: usize = ACTOR + 20;
const COLLECTOR: usize = PARTNER + 20;
const PARTY_LENGTH: u8 = 20;
const COLLECTOR_LENGTH: u8 = 16;
/** Offsets in the TLV of a party. */
const SYSTEM_PRIORITY: usize = 2;
const SYSTEM: usize = 4;
const KEY: usize = 10;
const PORT_PRIORITY: usize = 12;
const PORT: usize = 14;
const STATE: usize = 16;

const MAC_MASK: u64 = 0xffff_ffff_ffff;

/** What the state of a party says of its port (IEEE 802.1AX-2014, 6.4.2.3 l). */
export enum LacpState {
  activity = 1,
  shortTimeout = 2,
  aggregation = 4,
  synchronization = 8,
  collecting = 16,
  distributing = 32,
  defaulted = 64,
  expired = 128,
}

/** A partner of one of our ports, as it said it is, and the states of both (LacpState). */
@unmanaged
export class LacpPartner {
  partnerSystem: u64;
  partnerSystemPriority: u32;
  partnerKey: u32;
  partnerPortPriority: u32;
  partnerPort: u32;
  /** What it said of its port, and what we say of ours. */
  partnerState: u32;
  actorState: u32;
}

/** Priorities and the key of all our ports: they are one aggregator. */
const OUR_PRIORITY: u16 = 65535;
const OUR_PORT_PRIORITY: u16 = 255;
const OUR_KEY: u16 = 1;

function isSlow(frame: usize, length: u32, subtype: u8): bool {
  if (length < SLOW_FRAME || loadBig16(frame + 12) != ETHERTYPE_SLOW) return false;
  return load<u8>(frame + SUBTYPE) == subtype;
}

function isParty(at: usize, type: u8): bool {
  return load<u8>(at) == type && load<u8>(at + 1) == PARTY_LENGTH;
}

/** Whether a frame is a LACPDU: whatever its version, the first two TLVs are those of the parties. */
export function isLacpdu(frame: usize, length: u32): bool {
  return isSlow(frame, length, SUBTYPE_LACP) && isParty(frame + ACTOR, 1) && isParty(frame + PARTNER, 2);
}

/** Whether a frame is a marker that wants to be answered. */
export function isMarker(frame: usize, length: u32): bool {
  return isSlow(frame, length, SUBTYPE_MARKER) && load<u8>(frame + FIRST) == MARKER_INFORMATION;
}

/** Makes the answer of a marker that was copied: from `mac`. */
export function markerAnswer(frame: usize, mac: u64): void {
  ethernetWrite(frame, SLOW_GROUP, mac, ETHERTYPE_SLOW);
  store<u8>(frame + FIRST, MARKER_RESPONSE);
}

function systemAt(at: usize): u64 {
  return load<u64>(at + SYSTEM) & MAC_MASK;
}

/** The system that sent a LACPDU. */
export function lacpduSystem(frame: usize): u64 {
  return systemAt(frame + ACTOR);
}

/** The state of its sender. */
export function lacpduState(frame: usize): u32 {
  return load<u8>(frame + ACTOR + STATE);
}

/** Whether the sender of a LACPDU is who `m` knows as its partner. */
export function lacpduIsFrom(frame: usize, m: LacpPartner): bool {
  const at = frame + ACTOR;
  return (
    systemAt(at) == m.partnerSystem &&
    <u32>loadBig16(at + SYSTEM_PRIORITY) == m.partnerSystemPriority &&
    <u32>loadBig16(at + KEY) == m.partnerKey &&
    <u32>loadBig16(at + PORT_PRIORITY) == m.partnerPortPriority &&
    <u32>loadBig16(at + PORT) == m.partnerPort
  );
}

/** Takes the sender of a LACPDU over as the partner of `m`. */
export function lacpduRecord(frame: usize, m: LacpPartner): void {
  const at = frame + ACTOR;
  m.partnerSystem = systemAt(at);
  m.partnerSystemPriority = loadBig16(at + SYSTEM_PRIORITY);
  m.partnerKey = loadBig16(at + KEY);
  m.partnerPortPriority = loadBig16(at + PORT_PRIORITY);
  m.partnerPort = loadBig16(at + PORT);
  m.partnerState = load<u8>(at + STATE);
}

/** Whether the sender knows port number `number` of our system as its partner. */
export function lacpduKnows(frame: usize, system: u64, number: u32): bool {
  const at = frame + PARTNER;
  return (
    systemAt(at) == system &&
    loadBig16(at + SYSTEM_PRIORITY) == OUR_PRIORITY &&
    loadBig16(at + KEY) == OUR_KEY &&
    loadBig16(at + PORT_PRIORITY) == OUR_PORT_PRIORITY &&
    <u32>loadBig16(at + PORT) == number
  );
}

/** What the sender believes our state to be. */
export function lacpduBelieved(frame: usize): u32 {
  return load<u8>(frame + PARTNER + STATE);
}

function writeParty(
  at: usize,
  type: u8,
  system: u64,
  systemPriority: u32,
  key: u32,
  portPriority: u32,
  portNumber: u32,
  state: u32,
): void {
  store<u8>(at, type);
  store<u8>(at + 1, PARTY_LENGTH);
  storeBig16(at + SYSTEM_PRIORITY, <u16>systemPriority);
  store<u64>(at + SYSTEM, system | ((<u64>swapped16(<u16>key)) << 48));
  storeBig16(at + PORT_PRIORITY, <u16>portPriority);
  storeBig16(at + PORT, <u16>portNumber);
  store<u8>(at + STATE, <u8>state);
}

/** Writes the LACPDU of port number `number`, with address `mac`, of our system into SLOW_FRAME bytes. */
export function lacpduWrite(frame: usize, mac: u64, system: u64, number: u32, m: LacpPartner): void {
  memory.fill(frame + ETHERNET_HEADER, 0, SLOW_FRAME - ETHERNET_HEADER);
  ethernetWrite(frame, SLOW_GROUP, mac, ETHERTYPE_SLOW);
  store<u8>(frame + SUBTYPE, SUBTYPE_LACP);
  store<u8>(frame + SUBTYPE + 1, VERSION);
  const state = m.actorState;
  writeParty(frame + ACTOR, 1, system, OUR_PRIORITY, OUR_KEY, OUR_PORT_PRIORITY, number, state);
  writeParty(
    frame + PARTNER,
    2,
    m.partnerSystem,
    m.partnerSystemPriority,
    m.partnerKey,
    m.partnerPortPriority,
    m.partnerPort,
    m.partnerState,
  );
  store<u8>(frame + COLLECTOR, 3);
  store<u8>(frame + COLLECTOR + 1, COLLECTOR_LENGTH);
}

import { Port, port } from "../../../stack/memory/port";
import { LacpPartner } from "../../../stack/wire/lacpdu";
import { BOND } from "../memory/map";
import { Bond } from "./bond";

/** How several NICs are one (the numbers are those of bond_mode). */
export enum BondMode {
  activeBackup = 1,
  lacp = 4,
  adaptive = 6,
}

/** The receive machine of LACP (IEEE 802.1AX-2014, figure 6-18). */
export enum LacpReceive {
  disabled,
  expired,
  defaulted,
  current,
}

/** The mux machine of LACP (figure 6-21): collecting and distributing are in the actor's state. */
export enum LacpMux {
  detached,
  waiting,
  attached,
}

/** What a bond remembers of one of its NICs. */
@unmanaged
export class Member extends LacpPartner {
  /** Number of its bond. */
  bond: u32;
  /** The NIC's hardware address, 0: unknown. That of its port is the bond's. */
  ownMac: u64;
  /** LacpReceive, LacpMux */
  receive: u32;
  mux: u32;
  /** It belongs to the group of links that is in use. */
  isSelected: u32;
  /** There is something to tell the partner. */
  isDue: u32;
  /** When the partner has been silent for too long, the next periodic LACPDU is due, waiting ends. */
  currentUntil: u64;
  periodicAt: u64;
  waitUntil: u64;
  /** When the present second of transmission began, and LACPDUs sent in it. */
  windowFrom: u64;
  sentInWindow: u32;
}

const STRIDE: usize = 128;
/** Behind the members: the NICs that frames are spread over. */
const SPREAD: usize = 0x1000;

@unmanaged
class Place {
  nic: u32;
}

function place(index: u32): Place {
  return changetype<Place>(BOND + SPREAD + <usize>index * offsetof<Place>());
}

/** What is remembered of NIC `nic`. */
export function member(nic: u32): Member {
  assert(offsetof<Member>() <= STRIDE);
  return changetype<Member>(BOND + <usize>nic * STRIDE);
}

/** The NIC at place `index` of those that a bond's frames are spread over. */
export function spreadOver(b: Bond, index: u32): Port {
  return port(place(b.first + index).nic);
}

/** Frames of a bond are spread over its NIC `nic`, too. */
export function spreadAdd(b: Bond, nic: u32): void {
  place(b.first + b.spread++).nic = nic;
}

/** The place of those that frames are spread over which a hash of 32 bits chooses. */
export function spreadChoice(b: Bond, hash: u32): Port {
  return spreadOver(b, <u32>((<u64>hash * b.spread) >> 32));
}

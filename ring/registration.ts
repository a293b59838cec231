/**
 * What a client and ltran say to each other over the registration socket: one struct a message,
 * little-endian, fields at their natural offsets. The first four fields of all are the same.
 */

import { INTRODUCTION_SIZE } from "./introduction";

/** "GZLT". */
export const REGISTRATION_MAGIC: u32 = 0x544c5a47;
export const REGISTRATION_VERSION: u16 = 1;

/** What a message is. */
export enum RegistrationKind {
  none,
  /**
   * Client to ltran, with three descriptors: the region's memfd, a unix stream socket whose other end wakes
   * the client, the eventfd that wakes ltran.
   */
  register,
  /** ltran to client: the port is open. */
  welcome,
  /** ltran to client: it is not, and why; ltran closes the connection. */
  refusal,
  /** ltran to the first of two clients: make a ring to this peer. */
  offer,
  /** Its answer, with two descriptors: the region's memfd, and the peer's end of a pair of unix sockets. */
  offered,
  /** ltran to the second one, with these descriptors. */
  introduction,
  /** Its answer; also said to a new ltran of each ring that there is. */
  attached,
  /** ltran to the first one: the other one has attached. */
  ready,
  /** Either one's answer: it has no ring to this peer. */
  declined,
  /**
   * ltran to whoever has a ring to this address: it serves no more, as nobody or several have the address.
   */
  withdrawn,
}

/** Bits of Register.features. */
export enum RegistrationFeature {
  /** The client's frames carry a virtio-net header when the port's flags ask for one. */
  vnetHeader = 1,
  /** The client announces its listeners and connections in the ring (ring/announcement.ts). */
  announces = 2,
  /** The client takes part in introductions (ring/introduction.ts). */
  directRings = 4,
}

/** Why ltran refuses; the Node side has a text and a remedy for each. */
export enum RefusalCode {
  none,
  /** Magic, kind or size of the message. */
  message,
  /** A protocol version that ltran does not speak. */
  version,
  /** Fewer or more descriptors than three, or not of the right kind. */
  descriptors,
  /** The region's memfd has the wrong size, or lacks F_SEAL_SHRINK or F_SEAL_GROW. */
  region,
  /** Slots, buffer size and region size do not fit together, or are out of bounds. */
  geometry,
  /** The user or group of the client may not use this ltran. */
  credentials,
  /** The hardware address is not one that ltran serves. */
  mac,
  /** The address is outside the subnet, not unicast, or ltran's own. */
  address,
  /** Stack index and count do not fit, or this stack is registered already. */
  stack,
  /** As many instances as dispatch_max_clients are registered. */
  clients,
  /** ltran has no memory for another instance. */
  memory,
  /** ltran is ending. */
  ending,
  /** The VLAN is not one that programs may be in. */
  vlan,
  /** Something that ltran needs for it is short, such as descriptors. */
  unable,
}

/** A client asks for a ring port for one of its stacks. */
@unmanaged
export class Register {
  magic: u32;
  version: u16;
  kind: u16;
  /** Bytes of the message. */
  size: u32;
  /** As the client sees itself; the socket's credentials decide. */
  pid: u32;
  stackIndex: u16;
  stackCount: u16;
  slots: u32;
  bufferSize: u32;
  /** RegistrationFeature bits. */
  features: u32;
  regionSize: u64;
  /** Hardware address in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Address of the stack, 16 bytes (IPv4 as ::ffff:a.b.c.d), network byte order. */
  addressHigh: u64;
  addressLow: u64;
  /** The same for all stacks of one process. */
  processKey: u64;
  /** Name of the program, at most 16 bytes, zeros behind it. */
  nameFirst: u64;
  nameLast: u64;
  /** Bits of the network part, of an IPv4 address 0 to 32. */
  prefixLength: u32;
  /** VLAN of the stack, 1 to 4094; 0: untagged frames. */
  vlan: u16;
  reserved: u16;
}

/** The port is open: what the client's stack is told about it. */
@unmanaged
export class Welcome {
  magic: u32;
  version: u16;
  kind: u16;
  size: u32;
  /** ltran's number of the port, for messages and counters. */
  vport: u32;
  /** PortFlag bits of stack/memory/port.ts. */
  portFlags: u32;
  mtu: u32;
  segmentationMax: u32;
  reserved: u32;
  /** Hardware address to use, in the low 48 bits, first byte lowest. */
  mac: u64;
}

/** Bytes of a refusal's text. */
export const REFUSAL_TEXT: u32 = 200;

/** The port is not open. The text, UTF-8 with zeros behind it, follows. */
@unmanaged
export class Refusal {
  magic: u32;
  version: u16;
  kind: u16;
  size: u32;
  /** RefusalCode. */
  code: u32;
}

export const REGISTER_SIZE: u32 = <u32>offsetof<Register>();
export const WELCOME_SIZE: u32 = <u32>offsetof<Welcome>();
export const REFUSAL_TEXT_AT: u32 = <u32>offsetof<Refusal>();
export const REFUSAL_SIZE: u32 = REFUSAL_TEXT_AT + REFUSAL_TEXT;
/** Bytes that hold any message. */
export const REGISTRATION_MAX: u32 = REFUSAL_SIZE;

/** Bytes of a message of a kind; 0 for an unknown one. */
export function registrationSize(kind: u32): u32 {
  switch (kind) {
    case RegistrationKind.register:
      return REGISTER_SIZE;
    case RegistrationKind.welcome:
      return WELCOME_SIZE;
    case RegistrationKind.refusal:
      return REFUSAL_SIZE;
    default:
      return kind >= <u32>RegistrationKind.offer && kind <= <u32>RegistrationKind.withdrawn
        ? INTRODUCTION_SIZE
        : 0;
  }
}

/** Writes the fields that all messages share, everything else zero; returns the message's size. */
export function registrationBegin(address: usize, kind: RegistrationKind): u32 {
  const size = registrationSize(kind);
  memory.fill(address, 0, size);
  const message = changetype<Refusal>(address);
  message.magic = REGISTRATION_MAGIC;
  message.version = REGISTRATION_VERSION;
  message.kind = <u16>kind;
  message.size = size;
  return size;
}

/** The kind of a message of `length` bytes, RegistrationKind.none when it is not one of this version. */
export function registrationKind(address: usize, length: u32): RegistrationKind {
  if (length < offsetof<Refusal>()) return RegistrationKind.none;
  const message = changetype<Refusal>(address);
  if (message.magic != REGISTRATION_MAGIC || message.version != REGISTRATION_VERSION) {
    return RegistrationKind.none;
  }
  const kind = <u32>message.kind;
  const size = registrationSize(kind);
  return size != 0 && message.size == size && length == size ? kind : RegistrationKind.none;
}

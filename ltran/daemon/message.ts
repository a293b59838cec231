/** The messages of the registration protocol (ring/registration.ts) as bytes. */
import * as layout from "../../build/generated/node/registration-layout.js";
import { mappedIpv4 } from "./addresses.js";
import { type Refusal, refusals } from "./refusal.js";

/** What a client asks for. */
export interface Register {
  pid: number;
  stackIndex: number;
  stackCount: number;
  slots: number;
  bufferSize: number;
  features: number;
  regionSize: number;
  mac: bigint;
  /** 16 bytes, and the IPv4 address in them or null. */
  address: Buffer;
  ipv4: number | null;
  processKey: bigint;
  name: string;
  prefixLength: number;
  /** VLAN of the stack; 0: untagged frames. */
  vlan: number;
}

/** What a client is told. */
export interface Welcome {
  vport: number;
  /** PortFlag bits. */
  flags: number;
  mtu: number;
  segmentationMax: number;
  mac: bigint;
}

function checkHead(data: Buffer): void {
  if (data.length < layout.REFUSAL_TEXT_AT || data.readUInt32LE(0) !== layout.REGISTRATION_MAGIC) {
    throw refusals.message();
  }
  const version = data.readUInt16LE(layout.MESSAGE_VERSION);
  if (version !== layout.REGISTRATION_VERSION) throw refusals.version(version);
  const size = data.readUInt32LE(layout.MESSAGE_SIZE);
  const isRegister = data.readUInt16LE(layout.MESSAGE_KIND) === layout.REGISTRATION_REGISTER;
  if (!isRegister || size !== data.length || size !== layout.REGISTER_SIZE) throw refusals.message();
}

/** A client's name is shown to people: only what prints. */
function readName(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes
    .subarray(0, end < 0 ? bytes.length : end)
    .toString("latin1")
    .replaceAll(/[^ -~]/g, "?");
}

/** Reads a client's message. @throws Refusal when it is not one of this version. */
export function readRegister(data: Buffer): Register {
  checkHead(data);
  const address = Buffer.from(data.subarray(layout.REGISTER_ADDRESS, layout.REGISTER_ADDRESS + 16));
  return {
    pid: data.readUInt32LE(layout.REGISTER_PID),
    stackIndex: data.readUInt16LE(layout.REGISTER_STACK_INDEX),
    stackCount: data.readUInt16LE(layout.REGISTER_STACK_COUNT),
    slots: data.readUInt32LE(layout.REGISTER_SLOTS),
    bufferSize: data.readUInt32LE(layout.REGISTER_BUFFER_SIZE),
    features: data.readUInt32LE(layout.REGISTER_FEATURES),
    regionSize: Number(data.readBigUInt64LE(layout.REGISTER_REGION_SIZE)),
    mac: data.readBigUInt64LE(layout.REGISTER_MAC),
    address,
    ipv4: mappedIpv4(address),
    processKey: data.readBigUInt64LE(layout.REGISTER_PROCESS_KEY),
    name: readName(data.subarray(layout.REGISTER_NAME, layout.REGISTER_NAME + 16)),
    vlan: data.readUInt16LE(layout.REGISTER_VLAN),
    prefixLength: data.readUInt32LE(layout.REGISTER_PREFIX_LENGTH),
  };
}

/** A message of `size` bytes with what all messages have; zeros else. */
export function beginMessage(kind: number, size: number): Buffer {
  const message = Buffer.alloc(size);
  message.writeUInt32LE(layout.REGISTRATION_MAGIC, 0);
  message.writeUInt16LE(layout.REGISTRATION_VERSION, layout.MESSAGE_VERSION);
  message.writeUInt16LE(kind, layout.MESSAGE_KIND);
  message.writeUInt32LE(size, layout.MESSAGE_SIZE);
  return message;
}

/** The answer to a client that has its port now. */
export function writeWelcome(welcome: Welcome): Buffer {
  const message = beginMessage(layout.REGISTRATION_WELCOME, layout.WELCOME_SIZE);
  message.writeUInt32LE(welcome.vport, layout.WELCOME_VPORT);
  message.writeUInt32LE(welcome.flags, layout.WELCOME_PORT_FLAGS);
  message.writeUInt32LE(welcome.mtu, layout.WELCOME_MTU);
  message.writeUInt32LE(welcome.segmentationMax, layout.WELCOME_SEGMENTATION_MAX);
  message.writeBigUInt64LE(welcome.mac, layout.WELCOME_MAC);
  return message;
}

/** The answer to a client that is refused. */
export function writeRefusal(refusal: Refusal): Buffer {
  const message = beginMessage(layout.REGISTRATION_REFUSAL, layout.REFUSAL_SIZE);
  message.writeUInt32LE(refusal.code, layout.REFUSAL_CODE);
  // One byte stays zero: the text ends.
  message.write(refusal.message, layout.REFUSAL_TEXT_AT, layout.REFUSAL_SIZE - layout.REFUSAL_TEXT_AT - 1);
  return message;
}

/**
 * The messages of memif version 2 as bytes: what DPDK's net_memif and VPP say over their control socket. Each
 * has 128 bytes, little-endian, packed: its type, then fields by type. ltran is the server ("master").
 */

const SIZE = 128;
/** Major version 2, minor version 0. */
const VERSION = 0x0200;
const NAME_BYTES = 32;
const REASON_BYTES = 96;
/** Frames are whole Ethernet frames; other modes carry packets without it. */
const MODE_ETHERNET = 0;
/** In ADD_RING: the ring from the client to the server. */
const FLAG_TO_SERVER = 1;

/** What a message is. */
export enum MemifType {
  none,
  ack,
  hello,
  init,
  addRegion,
  addRing,
  connect,
  connected,
  disconnect,
}

/** The client wants to be the interface with this number. */
export interface MemifInit {
  type: MemifType.init;
  id: number;
  name: string;
}

/** The memory file of region number `index` comes with it. */
export interface MemifAddRegion {
  type: MemifType.addRegion;
  index: number;
  size: number;
}

/** A ring in a region; the eventfd of its consumer comes with it. */
export interface MemifAddRing {
  type: MemifType.addRing;
  isToServer: boolean;
  index: number;
  region: number;
  /** Bytes from the start of the region. */
  offset: number;
  slots: number;
  /** Bytes in front of each frame that are the client's own. */
  privateHeader: number;
}

/** Everything a server may be told. */
export type MemifMessage =
  | MemifInit
  | MemifAddRegion
  | MemifAddRing
  | { type: MemifType.connect }
  | { type: MemifType.disconnect; reason: string };

/** A message that is none of version 2, or makes no sense to a server. */
export class MemifError extends Error {}

function textAt(data: Buffer, at: number, length: number): string {
  const bytes = data.subarray(at, at + length);
  const end = bytes.indexOf(0);
  // A client's texts are shown to people: only what prints.
  return bytes
    .subarray(0, end < 0 ? length : end)
    .toString("latin1")
    .replaceAll(/[^ -~]/g, "?");
}

function readInit(data: Buffer): MemifInit {
  if (data.readUInt16LE(2) !== VERSION) throw new MemifError("Incompatible memif version");
  if (data.readUInt8(8) !== MODE_ETHERNET) throw new MemifError("Only ethernet mode supported");
  return { type: MemifType.init, id: data.readUInt32LE(4), name: textAt(data, 33, NAME_BYTES) };
}

function readAddRing(data: Buffer): MemifAddRing {
  return {
    type: MemifType.addRing,
    isToServer: (data.readUInt16LE(2) & FLAG_TO_SERVER) !== 0,
    index: data.readUInt16LE(4),
    region: data.readUInt16LE(6),
    offset: data.readUInt32LE(8),
    slots: 2 ** data.readUInt8(12),
    privateHeader: data.readUInt16LE(13),
  };
}

/** Reads a client's message. @throws MemifError when a server cannot do anything with it. */
export function readMemif(data: Buffer): MemifMessage {
  if (data.length !== SIZE) throw new MemifError("Invalid message size");
  const type = data.readUInt16LE(0);
  switch (type) {
    case MemifType.init:
      return readInit(data);
    case MemifType.addRegion:
      return { type, index: data.readUInt16LE(2), size: Number(data.readBigUInt64LE(4)) };
    case MemifType.addRing:
      return readAddRing(data);
    case MemifType.connect:
      return { type };
    case MemifType.disconnect:
      return { type, reason: textAt(data, 6, REASON_BYTES) };
    default:
      throw new MemifError("Unexpected message");
  }
}

function begin(type: MemifType): Buffer {
  const message = Buffer.alloc(SIZE);
  message.writeUInt16LE(type, 0);
  return message;
}

/** Says what a client may ask for: one region, one ring each way, so many slots at most (a power of two). */
export function writeHello(name: string, slotsMost: number): Buffer {
  const message = begin(MemifType.hello);
  message.write(name, 2, NAME_BYTES - 1, "latin1");
  message.writeUInt16LE(VERSION, 34);
  message.writeUInt16LE(VERSION, 36);
  // Greatest indexes of regions and of rings either way: 0.
  message.writeUInt8(Math.log2(slotsMost), 44);
  return message;
}

/** INIT, ADD_REGION or ADD_RING was accepted. */
export function writeAck(): Buffer {
  return begin(MemifType.ack);
}

/** CONNECT was accepted: the rings are served. */
export function writeConnected(name: string): Buffer {
  const message = begin(MemifType.connected);
  message.write(name, 2, NAME_BYTES - 1, "latin1");
  return message;
}

/** The end of a connection, and why. */
export function writeDisconnect(reason: string): Buffer {
  const message = begin(MemifType.disconnect);
  message.write(reason, 6, REASON_BYTES - 1, "latin1");
  return message;
}

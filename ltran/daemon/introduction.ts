/** The messages of introductions (ring/introduction.ts) as bytes. */
import * as layout from "../../build/generated/node/registration-layout.js";
import { mappedIpv4 } from "./addresses.js";
import type { Peer } from "./admission.js";
import { beginMessage } from "./message.js";

/** The region of a ring, as its maker says. */
export interface RingGeometry {
  slots: number;
  bufferSize: number;
  regionSize: bigint;
}

/** One end of a ring: a stack of the program that has an address. */
export interface RingEnd {
  ipv4: number;
  stackIndex: number;
}

/** What a client said, and about whom. */
export interface Said extends RingGeometry, RingEnd {
  kind: number;
  number: number;
}

/** What a client is told, and about whom. */
export interface Told extends RingEnd {
  kind: number;
  number: number;
  stackCount: number;
  mac: bigint;
  peer: Peer;
}

const NO_RING: RingGeometry = { slots: 0, bufferSize: 0, regionSize: 0n };
const KINDS: ReadonlySet<number> = new Set([
  layout.REGISTRATION_OFFERED,
  layout.REGISTRATION_ATTACHED,
  layout.REGISTRATION_DECLINED,
]);

/** Reads a client's message; null when it is none of an introduction. */
export function readIntroduction(data: Buffer): Said | null {
  if (data.length !== layout.INTRODUCTION_SIZE || data.readUInt32LE(0) !== layout.REGISTRATION_MAGIC)
    return null;
  const kind = data.readUInt16LE(layout.MESSAGE_KIND);
  const isThis = data.readUInt16LE(layout.MESSAGE_VERSION) === layout.REGISTRATION_VERSION;
  if (!isThis || data.readUInt32LE(layout.MESSAGE_SIZE) !== data.length || !KINDS.has(kind)) return null;
  const at = layout.INTRODUCTION_ADDRESS;
  const ipv4 = mappedIpv4(data.subarray(at, at + 16));
  if (ipv4 === null) return null;
  return {
    kind,
    number: data.readUInt32LE(layout.INTRODUCTION_NUMBER),
    ipv4,
    stackIndex: data.readUInt16LE(layout.INTRODUCTION_STACK_INDEX),
    slots: data.readUInt32LE(layout.INTRODUCTION_SLOTS),
    bufferSize: data.readUInt32LE(layout.INTRODUCTION_BUFFER_SIZE),
    regionSize: data.readBigUInt64LE(layout.INTRODUCTION_REGION_SIZE),
  };
}

/** A message to a client. */
export function writeIntroduction(told: Told, ring: RingGeometry = NO_RING): Buffer {
  const message = beginMessage(told.kind, layout.INTRODUCTION_SIZE);
  message.writeUInt32LE(told.number, layout.INTRODUCTION_NUMBER);
  message.writeBigUInt64LE(told.mac, layout.INTRODUCTION_MAC);
  message.writeUInt16BE(0xffff, layout.INTRODUCTION_ADDRESS + 10);
  message.writeUInt32BE(told.ipv4, layout.INTRODUCTION_ADDRESS + 12);
  message.writeUInt32LE(told.peer.pid, layout.INTRODUCTION_PID);
  message.writeUInt32LE(told.peer.uid, layout.INTRODUCTION_UID);
  message.writeUInt32LE(told.peer.gid, layout.INTRODUCTION_GID);
  message.writeUInt32LE(ring.slots, layout.INTRODUCTION_SLOTS);
  message.writeUInt32LE(ring.bufferSize, layout.INTRODUCTION_BUFFER_SIZE);
  message.writeUInt16LE(told.stackIndex, layout.INTRODUCTION_STACK_INDEX);
  message.writeUInt16LE(told.stackCount, layout.INTRODUCTION_STACK_COUNT);
  message.writeBigUInt64LE(ring.regionSize, layout.INTRODUCTION_REGION_SIZE);
  return message;
}

import { ethernet, macOf } from "../../stack/support/frames.js";

/** 01-80-C2-00-00-02 and the EtherType of slow protocols. */
export const SLOW_GROUP = Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 2);
export const SLOW_TYPE = 0x8809;

/** Bits of a port's state in a LACPDU. */
export const Bit = {
  activity: 1,
  shortTimeout: 2,
  aggregation: 4,
  synchronization: 8,
  collecting: 16,
  distributing: 32,
  defaulted: 64,
  expired: 128,
} as const;

/** One of the two parties of a LACPDU. */
export interface Party {
  systemPriority: number;
  system: string;
  key: number;
  portPriority: number;
  port: number;
  state: number;
}

/** A LACPDU as a partner reads it. */
export interface Lacpdu {
  actor: Party;
  partner: Party;
}

function readParty(bytes: Buffer, at: number): Party {
  return {
    systemPriority: bytes.readUInt16BE(at + 2),
    system: bytes.subarray(at + 4, at + 10).toString("hex"),
    key: bytes.readUInt16BE(at + 10),
    portPriority: bytes.readUInt16BE(at + 12),
    port: bytes.readUInt16BE(at + 14),
    state: bytes.readUInt8(at + 16),
  };
}

/** Reads a frame as IEEE 802.1AX-2014, figure 6-7 has it; null when it is no LACPDU. */
export function readLacpdu(frame: Uint8Array): Lacpdu | null {
  const bytes = Buffer.from(frame);
  if (bytes.readUInt16BE(12) !== SLOW_TYPE || bytes[14] !== 1) return null;
  const isSound =
    bytes.length === 124 &&
    bytes.subarray(0, 6).equals(SLOW_GROUP) &&
    bytes.subarray(15, 18).equals(Uint8Array.of(1, 1, 20)) &&
    bytes.readUInt16BE(36) === 0x0214 &&
    bytes.readUInt16BE(56) === 0x0310 &&
    bytes.subarray(72).every((byte) => byte === 0);
  if (!isSound) throw new Error(`a LACPDU of another form: ${bytes.toString("hex")}`);
  return { actor: readParty(bytes, 16), partner: readParty(bytes, 36) };
}

function writeParty(bytes: Buffer, at: number, type: number, party: Party): void {
  bytes.writeUInt8(type, at);
  bytes.writeUInt8(20, at + 1);
  bytes.writeUInt16BE(party.systemPriority, at + 2);
  Buffer.from(party.system, "hex").copy(bytes, at + 4);
  bytes.writeUInt16BE(party.key, at + 10);
  bytes.writeUInt16BE(party.portPriority, at + 12);
  bytes.writeUInt16BE(party.port, at + 14);
  bytes.writeUInt8(party.state, at + 16);
}

/** A frame with a LACPDU. */
export function lacpdu({ actor, partner }: Lacpdu): Uint8Array {
  const body = Buffer.alloc(110);
  body.writeUInt8(1, 0);
  body.writeUInt8(1, 1);
  writeParty(body, 2, 1, actor);
  writeParty(body, 22, 2, partner);
  body.writeUInt8(3, 42);
  body.writeUInt8(16, 43);
  return ethernet(SLOW_GROUP, macOf(99), SLOW_TYPE, body);
}

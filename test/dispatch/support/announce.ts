import { ethernet, macOf } from "../../stack/support/frames.js";
import { addressWords, type TestVport } from "./forwarder.js";

const ETHERTYPE = 0x88b5;
const KINDS = {
  listen: 1,
  unlisten: 2,
  bind: 3,
  unbind: 4,
  flow: 5,
  flowGone: 6,
  done: 7,
  backlog: 8,
} as const;

/** What a client announces; addresses are dotted, zeros unless given. */
export interface Announced {
  protocol?: number;
  local?: string;
  localPort?: number;
  remote?: string;
  remotePort?: number;
  backlog?: number;
  sndNxt?: number;
  rcvNxt?: number;
}

/** The frame of an announcement, without a virtio-net header. */
export function announcement(kind: keyof typeof KINDS, what: Announced = {}): Uint8Array {
  const body = new DataView(new ArrayBuffer(56));
  body.setUint16(0, 0x415a, true);
  body.setUint8(2, 1);
  body.setUint8(3, KINDS[kind]);
  body.setUint8(4, what.protocol ?? (kind === "bind" || kind === "unbind" ? 17 : 6));
  body.setUint16(6, what.localPort ?? 0, true);
  body.setUint16(8, what.remotePort ?? 0, true);
  body.setUint32(12, what.backlog ?? 128, true);
  const ends = [what.local, what.remote].map((ip) => (ip === undefined ? [0n, 0n] : addressWords(ip)));
  ends.flat().forEach((word, i) => {
    body.setBigUint64(16 + 8 * i, word, true);
  });
  body.setUint32(48, what.sndNxt ?? 0, true);
  body.setUint32(52, what.rcvNxt ?? 0, true);
  return ethernet(macOf(0), macOf(0), ETHERTYPE, new Uint8Array(body.buffer));
}

/** Puts an announcement into a client's ring. */
export function announce(v: TestVport, kind: keyof typeof KINDS, what: Announced = {}): void {
  const frame = announcement(kind, what);
  const header = new Uint8Array((v.identity.flags ?? 0) & 1 ? 10 : 0);
  v.client.send(new Uint8Array(Buffer.concat([header, frame])));
}

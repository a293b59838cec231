/** Frames that a hostile client of ltran sends, as hexadecimal text with the virtio-net header in front. */
import { announcement } from "../dispatch/support/announce.js";
import { arp, ethernet, icmp, ipv4, udp, write16 } from "../stack/support/frames.js";
import { tcp } from "../stack/support/tcp-segment.js";

/** What stands in front of a frame on a ring that has it. */
const VIRTIO = 10;

/** Who takes part. */
export interface Cast {
  /** Hardware address of all clients of ltran, and of the peer on the wire. */
  mac: string;
  peerMac: string;
  own: string;
  neighbour: string;
  peer: string;
}

/** A frame and what becomes of it: a drop reason, or "" when it is sent. */
export interface Forgery {
  name: string;
  hex: string;
  reason: string;
  /** Bytes it is filled up to with zeros. */
  length?: number;
}

function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

/** A frame with its virtio-net header; `virtio` are the first bytes of that. */
function onRing(frame: Uint8Array, virtio: readonly number[] = []): string {
  const bytes = new Uint8Array(VIRTIO + frame.length);
  bytes.set(virtio);
  bytes.set(frame, VIRTIO);
  return Buffer.from(bytes).toString("hex");
}

/** A virtio-net header: flags, GSO type, length of headers, segment, where the checksum starts and is. */
function offload(flags: number, kind: number, headers: number, segment: number, start: number, at: number) {
  const words = [headers, segment, start, at].flatMap((word) => [word & 0xff, word >> 8]);
  return [flags, kind, ...words];
}

/** Makes the frames of one attacker. */
export class Forger {
  readonly #cast: Cast;
  readonly #mac: Uint8Array;
  readonly #peerMac: Uint8Array;

  constructor(cast: Cast) {
    this.#cast = cast;
    this.#mac = macBytes(cast.mac);
    this.#peerMac = macBytes(cast.peerMac);
  }

  #datagram(source: string, destination: string): Uint8Array {
    const payload = new Uint8Array(40).fill(0x5a);
    return udp({ source, destination, sourcePort: 999, destinationPort: 9, payload });
  }

  #packet(source: string, more: object = {}, destination = this.#cast.peer): Uint8Array {
    const payload = this.#datagram(source, destination);
    return ipv4({ source, destination, protocol: 17, payload, ...more });
  }

  #frame(payload: Uint8Array, type = 0x0800, from = this.#mac): Uint8Array {
    return ethernet(this.#peerMac, from, type, payload);
  }

  /** A datagram to the peer from an address. */
  datagram(source: string, destination = this.#cast.peer): string {
    return onRing(this.#frame(this.#packet(source, {}, destination)));
  }

  /** A connection request to the peer; where its source port stands in the bytes. */
  request(destination: string, destinationPort: number): { hex: string; portAt: number } {
    const { own } = this.#cast;
    const fields = {
      sourcePort: 1,
      destinationPort,
      sequence: 1,
      acknowledgement: 0,
      flags: "S",
      window: 100,
    };
    const payload = tcp({ ...fields, payload: new Uint8Array() }, own, destination);
    const packet = ipv4({ source: own, destination, protocol: 6, payload });
    return { hex: onRing(this.#frame(packet)), portAt: VIRTIO + 34 };
  }

  /** An announcement; where its local port stands in the bytes. */
  announcement(kind: "listen" | "bind" | "flow" | "done", local?: string): { hex: string; portAt: number } {
    const frame = announcement(kind, { localPort: 80, ...(local === undefined ? {} : { local }) });
    return { hex: onRing(frame), portAt: VIRTIO + 14 + 6 };
  }

  /** Announcements that say nothing or what is not true. */
  announcements(): { name: string; hex: string }[] {
    const good = Buffer.from(this.announcement("listen").hex, "hex");
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(good);
      bytes[VIRTIO + 14 + at] = value;
      return bytes.toString("hex");
    };
    return [
      { name: "announcement with another magic", hex: changed(0, 0) },
      { name: "announcement of another version", hex: changed(2, 9) },
      { name: "announcement of no kind", hex: changed(3, 99) },
      { name: "announcement of no protocol", hex: changed(4, 250) },
      { name: "announcement cut off", hex: good.subarray(0, VIRTIO + 34).toString("hex") },
      {
        name: "listener at the neighbour's address",
        hex: this.announcement("listen", this.#cast.neighbour).hex,
      },
      { name: "connection of the neighbour's", hex: this.announcement("flow", this.#cast.neighbour).hex },
    ];
  }

  /** Frames that speak for others. */
  impersonations(): Forgery[] {
    const { own, neighbour, peer } = this.#cast;
    const mac = this.#mac;
    const foreign = macBytes("02:00:00:00:00:77");
    const saying = (sender: string, target: string, operation: number, senderMac = mac) => {
      const body = arp({ operation, senderMac, sender, target }).slice(14);
      return onRing(this.#frame(body, 0x0806));
    };
    const fragment = { offset: 1_480, moreFragments: true };
    return [
      {
        name: "foreign source MAC",
        hex: onRing(this.#frame(this.#packet(own), 0x0800, foreign)),
        reason: "foreignMac",
      },
      {
        name: "source MAC of the peer",
        hex: onRing(this.#frame(this.#packet(own), 0x0800, this.#peerMac)),
        reason: "foreignMac",
      },
      { name: "IPv4 source of the neighbour", hex: this.datagram(neighbour), reason: "foreignAddress" },
      { name: "IPv4 source of the peer", hex: this.datagram(peer), reason: "foreignAddress" },
      { name: "IPv4 source 0.0.0.0", hex: this.datagram("0.0.0.0"), reason: "foreignAddress" },
      {
        name: "fragment from the neighbour",
        hex: onRing(this.#frame(this.#packet(neighbour, fragment))),
        reason: "foreignAddress",
      },
      {
        name: "datagram to the neighbour in the peer's name",
        hex: this.datagram(peer, neighbour),
        reason: "foreignAddress",
      },
      { name: "ARP request in the neighbour's name", hex: saying(neighbour, peer, 1), reason: "foreignArp" },
      { name: "ARP reply for the gateway", hex: saying(peer, neighbour, 2), reason: "foreignArp" },
      {
        name: "gratuitous ARP for the neighbour",
        hex: saying(neighbour, neighbour, 1),
        reason: "foreignArp",
      },
      { name: "ARP with another sender MAC", hex: saying(own, peer, 2, foreign), reason: "foreignArp" },
      {
        name: "VLAN tag",
        hex: onRing(this.#frame(new Uint8Array([0, 5, 8, 0, ...this.#packet(neighbour)]), 0x8100)),
        reason: "unknownEtherType",
      },
      {
        name: "IPv6",
        hex: onRing(this.#frame(new Uint8Array(60).fill(0x60), 0x86dd)),
        reason: "unknownEtherType",
      },
    ];
  }

  /** Frames that are none. */
  malformed(): Forgery[] {
    const { own, peer } = this.#cast;
    const packet = this.#packet(own);
    const changed = (at: number, value: number) => {
      const bytes = Uint8Array.from(packet);
      write16(bytes, at, value);
      return onRing(this.#frame(bytes));
    };
    const tiny = ipv4({
      source: own,
      destination: peer,
      protocol: 6,
      payload: new Uint8Array(8),
      moreFragments: true,
    });
    const unreachable = ipv4({
      source: own,
      destination: peer,
      protocol: 1,
      payload: icmp(3, 3, 0, new Uint8Array(4)).slice(0, 3),
    });
    return [
      { name: "runt without an Ethernet header", hex: "000102030405060708090a0b0c", reason: "truncated" },
      { name: "Ethernet header alone", hex: onRing(this.#frame(new Uint8Array())), reason: "truncated" },
      { name: "half an IP header", hex: onRing(this.#frame(packet.slice(0, 10))), reason: "truncated" },
      { name: "IP length beyond the frame", hex: changed(2, 9_000), reason: "truncated" },
      { name: "IP length below its header", hex: changed(2, 12), reason: "ipHeader" },
      { name: "IP version 5", hex: changed(0, 0x5500), reason: "ipHeader" },
      {
        name: "IP header longer than the frame",
        hex: onRing(this.#frame(Uint8Array.from([0x4f, ...packet.slice(1, 30)]))),
        reason: "ipHeader",
      },
      { name: "wrong IP checksum", hex: changed(10, 1), reason: "ipChecksum" },
      {
        name: "first fragment with a piece of a TCP header",
        hex: onRing(this.#frame(tiny)),
        reason: "transportHeader",
      },
      { name: "half an ICMP header", hex: onRing(this.#frame(unreachable)), reason: "transportHeader" },
      { name: "ARP cut off", hex: onRing(this.#frame(new Uint8Array(9), 0x0806)), reason: "arpMalformed" },
      { name: "giant of 60,000 bytes", hex: this.datagram(own), reason: "tooLong", length: 60_000 },
      { name: "giant of 70,000 bytes", hex: this.datagram(own), reason: "ringFault", length: 70_000 },
    ];
  }

  /** Datagrams with virtio-net headers that do not fit them. */
  offloads(): Forgery[] {
    const packet = this.#packet(this.#cast.own);
    return [
      {
        name: "GSO type that is none",
        hex: onRing(this.#frame(packet), offload(1, 77, 42, 500, 34, 6)),
        reason: "virtioHeader",
      },
      {
        name: "GSO without a checksum",
        hex: onRing(this.#frame(packet), offload(0, 1, 42, 500, 0, 0)),
        reason: "virtioHeader",
      },
      {
        name: "TCP GSO of a datagram",
        hex: onRing(this.#frame(packet), offload(1, 1, 42, 500, 34, 6)),
        reason: "virtioHeader",
      },
      {
        name: "segments of one byte",
        hex: onRing(this.#frame(packet), offload(1, 1, 54, 1, 34, 16)),
        reason: "virtioHeader",
      },
      {
        name: "checksum that starts outside",
        hex: onRing(this.#frame(packet), offload(1, 0, 0, 0, 60_000, 6)),
        reason: "virtioHeader",
      },
      {
        name: "checksum that is stored outside",
        hex: onRing(this.#frame(packet), offload(1, 0, 0, 0, 34, 65_000)),
        reason: "virtioHeader",
      },
      {
        name: "checksum over the IP header",
        hex: onRing(this.#frame(packet), offload(1, 0, 0, 0, 14, 12)),
        reason: "virtioHeader",
      },
    ];
  }
}

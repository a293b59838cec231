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

/** Frames by name that are discarded for one reason. */
function forgeries(reason: string, frames: Readonly<Record<string, string>>): Forgery[] {
  return Object.entries(frames).map(([name, hex]) => ({ name, hex, reason }));
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
    const foreign = macBytes("02:00:00:00:00:77");
    const saying = (sender: string, target: string, operation: number, senderMac = this.#mac) =>
      onRing(this.#frame(arp({ operation, senderMac, sender, target }).slice(14), 0x0806));
    const from = (mac: Uint8Array) => onRing(this.#frame(this.#packet(own), 0x0800, mac));
    const fragment = this.#packet(neighbour, { offset: 1_480, moreFragments: true });
    const somebody = new Uint8Array(40).fill(0x60);
    somebody.set([0, 0, 59, 64], 4);
    const tagged = new Uint8Array([0, 5, 8, 0, ...this.#packet(neighbour)]);
    return [
      ...forgeries("foreignMac", {
        "foreign source MAC": from(foreign),
        "source MAC of the peer": from(this.#peerMac),
      }),
      ...forgeries("foreignAddress", {
        "IPv4 source of the neighbour": this.datagram(neighbour),
        "IPv4 source of the peer": this.datagram(peer),
        "IPv4 source 0.0.0.0": this.datagram("0.0.0.0"),
        // From 6060:... to the same, with nothing in it.
        "IPv6 of somebody": onRing(this.#frame(somebody, 0x86dd)),
        "fragment from the neighbour": onRing(this.#frame(fragment)),
        "datagram to the neighbour in the peer's name": this.datagram(peer, neighbour),
      }),
      ...forgeries("foreignArp", {
        "ARP request in the neighbour's name": saying(neighbour, peer, 1),
        "ARP reply for the gateway": saying(peer, neighbour, 2),
        "gratuitous ARP for the neighbour": saying(neighbour, neighbour, 1),
        "ARP with another sender MAC": saying(own, peer, 2, foreign),
      }),
      ...forgeries("unknownEtherType", {
        "VLAN tag": onRing(this.#frame(tagged, 0x8100)),
      }),
    ];
  }

  /** Frames that are none. */
  malformed(): Forgery[] {
    const { own, peer: destination } = this.#cast;
    const packet = this.#packet(own);
    const whole = (payload: Uint8Array, type?: number) => onRing(this.#frame(payload, type));
    const changed = (at: number, value: number) => {
      const bytes = Uint8Array.from(packet);
      write16(bytes, at, value);
      return whole(bytes);
    };
    const cut = (protocol: number, payload: Uint8Array, more: object = {}) =>
      whole(ipv4({ source: own, destination, protocol, payload, ...more }));
    const giant = (length: number, reason: string): Forgery => {
      return {
        name: `giant of ${length.toLocaleString("en")} bytes`,
        hex: this.datagram(own),
        reason,
        length,
      };
    };
    return [
      ...forgeries("truncated", {
        "runt without an Ethernet header": "000102030405060708090a0b0c",
        "Ethernet header alone": whole(new Uint8Array()),
        "half an IP header": whole(packet.slice(0, 10)),
        "IP length beyond the frame": changed(2, 9_000),
      }),
      ...forgeries("ipHeader", {
        "IP length below its header": changed(2, 12),
        "IP version 5": changed(0, 0x5500),
        "IP header longer than the frame": whole(Uint8Array.from([0x4f, ...packet.slice(1, 30)])),
      }),
      ...forgeries("ipChecksum", { "wrong IP checksum": changed(10, 1) }),
      ...forgeries("transportHeader", {
        "first fragment with a piece of a TCP header": cut(6, new Uint8Array(8), { moreFragments: true }),
        "half an ICMP header": cut(1, icmp(3, 3, 0, new Uint8Array(4)).slice(0, 3)),
      }),
      ...forgeries("arpMalformed", { "ARP cut off": whole(new Uint8Array(9), 0x0806) }),
      giant(60_000, "tooLong"),
      giant(70_000, "ringFault"),
    ];
  }

  /** Datagrams with virtio-net headers that do not fit them. */
  offloads(): Forgery[] {
    const wanting = (...header: Parameters<typeof offload>) =>
      onRing(this.#frame(this.#packet(this.#cast.own)), offload(...header));
    return forgeries("virtioHeader", {
      "GSO type that is none": wanting(1, 77, 42, 500, 34, 6),
      "GSO without a checksum": wanting(0, 1, 42, 500, 0, 0),
      "TCP GSO of a datagram": wanting(1, 1, 42, 500, 34, 6),
      "segments of one byte": wanting(1, 1, 54, 1, 34, 16),
      "checksum that starts outside": wanting(1, 0, 0, 0, 60_000, 6),
      "checksum that is stored outside": wanting(1, 0, 0, 0, 34, 65_000),
      "checksum over the IP header": wanting(1, 0, 0, 0, 14, 12),
    });
  }
}

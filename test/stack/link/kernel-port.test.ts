import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { arp, BROADCAST_MAC, ethernet, icmp, ipv4, joined, macOf, toHex, udp } from "../support/frames.js";
import { fromPeer, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";
import { tcp } from "../support/tcp-segment.js";

const WIRE = 0;
const VNET = new Uint8Array(10);
const MAC = 2n | (1n << 40n);
const LISTENED = 80;
const BOUND = 53;
const FOREIGN = 22;

/** Where a frame went: the stacks that saw it, in order, and what left. */
interface Journey {
  path: number[];
  toKernel: Uint8Array[];
  toWire: Uint8Array[];
}

/**
 * The stacks of one process, which hand frames on as the shell does; the kernel has their address, too, and
 * the first of them its device. Numbered `owner`, one of them has all sockets.
 */
class Process {
  readonly stacks: StackHost[];
  readonly owner: StackHost;
  /** The socket bound to BOUND. */
  readonly datagrams: number;
  private readonly device: number;

  constructor(count: number, owner: number) {
    this.stacks = Array.from({ length: count }, (_, index) => {
      const host = new StackHost({ seed: [BigInt(index + 1), 2n, 3n, 4n] });
      host.doors.stackPlace(index, count);
      if (index > 0) host.doors.kernelShare(WIRE);
      return host;
    });
    this.device = this.at(0).doors.kernelOpen(WIRE, layout.PORT_FLAG_VNET_HEADER, 1500, MAC, 0);
    assert.equal(this.device, 1);
    this.owner = this.at(owner);
    assert.equal(this.owner.doors.socketListen(this.bind(SOCK_STREAM, LISTENED), 8), 0);
    this.datagrams = this.bind(SOCK_DGRAM, BOUND);
    this.settle();
  }

  private bind(type: number, port: number): number {
    const handle = this.owner.doors.socketOpen(4, type);
    this.owner.setEndpoint({ ip: OWN, port });
    assert.equal(this.owner.doors.socketBind(handle), 0);
    return handle;
  }

  at(index: number): StackHost {
    return this.stacks[index % this.stacks.length] ?? assert.fail();
  }

  /** Announcements leave, and every stack knows the peer. */
  private settle(): void {
    for (const host of this.stacks) {
      host.transmit();
      host.advance(2_000_000n);
      host.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: OWN })]);
      host.transmit();
    }
    this.at(0).transmit(this.device);
  }

  private travel(frame: Uint8Array, first: number, port: number): Journey {
    const path: number[] = [];
    let flags = 0;
    let base = layout.PORTS + port * layout.PORT_STRIDE;
    for (let index = first; ; index++) {
      assert.ok(path.length < 2 * this.stacks.length, "a frame goes round and round");
      const host = this.at(index);
      path.push(index % this.stacks.length);
      host.receive([frame], flags, undefined, path.length === 1 ? port : WIRE);
      flags = host.view().getUint32(base + layout.PORT_RX + layout.RX_FRAME_FLAGS, true);
      if (flags >> layout.RX_SEEN_SHIFT === 0) break;
      base = layout.PORTS;
    }
    const toKernel = this.at(0)
      .transmit(this.device)
      .map((sent) => sent.bytes.slice(VNET.length));
    return {
      path,
      toKernel,
      toWire: this.stacks.flatMap((host) => host.transmit().map((sent) => sent.bytes)),
    };
  }

  /** A frame arrives in the queue of stack `first`. */
  arrive(frame: Uint8Array, first: number): Journey {
    return this.travel(frame, first, WIRE);
  }

  /** The kernel sends a frame. */
  send(frame: Uint8Array): Journey {
    return this.travel(joined(VNET, frame), 0, this.device);
  }
}

const base = { sequence: 7, acknowledgement: 0, flags: "S", window: 9000, payload: new Uint8Array(0) };

function segment(destinationPort: number, flags = "S", sourcePort = 40000): Uint8Array {
  const payload = tcp({ ...base, flags, sourcePort, destinationPort }, PEER, OWN);
  return fromPeer({ protocol: 6, payload });
}

function datagram(destinationPort: number, bytes = 4): Uint8Array {
  const payload = new Uint8Array(bytes);
  return udp({ source: PEER, destination: OWN, sourcePort: 5000, destinationPort, payload });
}

/** A frame of the kernel's to the peer. */
function ofKernel(protocol: number, payload: Uint8Array, source = OWN): Uint8Array {
  return ethernet(PEER_MAC, OWN_MAC, 0x0800, ipv4({ source, destination: PEER, protocol, payload }));
}

function kernelSegment(sourcePort: number, flags: string): Uint8Array {
  return ofKernel(6, tcp({ ...base, flags, sourcePort, destinationPort: 40000 }, OWN, PEER));
}

/** How far a frame goes that all stacks see, and then on to the first one. */
function roundTo(first: number, count: number): number[] {
  const all = Array.from({ length: count }, (_, step) => (first + step) % count);
  const last = all.at(-1) ?? 0;
  return last === 0
    ? all
    : [...all, ...Array.from({ length: count - last }, (_, step) => (last + 1 + step) % count)];
}

const PING = fromPeer({ protocol: 1, payload: icmp(8, 0, 1, new Uint8Array(8)) });

function unwanted(process: Process, first: number): void {
  const others = [
    segment(FOREIGN),
    segment(FOREIGN, "A"),
    fromPeer({ protocol: 17, payload: datagram(FOREIGN) }),
    fromPeer({ protocol: 1, payload: icmp(0, 0, 1, new Uint8Array(8)) }),
    fromPeer({ protocol: 132, payload: new Uint8Array(20) }),
    fromPeer({ protocol: 17, payload: datagram(FOREIGN, 1400) }),
  ];
  for (const frame of others) {
    const { path, toKernel, toWire } = process.arrive(frame, first);
    assert.deepEqual(path, roundTo(first, process.stacks.length));
    assert.deepEqual(toKernel.map(toHex), [toHex(frame)]);
    assert.deepEqual(toWire, []);
  }
}

function wanted(process: Process, first: number): void {
  const syn = process.arrive(segment(LISTENED), first);
  assert.deepEqual([syn.toKernel, syn.toWire.length], [[], 1], "SYN");
  const stray = process.arrive(segment(LISTENED, "A", 40001), first);
  assert.deepEqual([stray.toKernel, stray.toWire.length], [[], 1], "a reset of ours");
  const query = process.arrive(fromPeer({ protocol: 17, payload: datagram(BOUND) }), first);
  assert.deepEqual([query.toKernel, query.toWire], [[], []]);
  const ping = process.arrive(PING, first);
  assert.deepEqual([ping.toKernel, ping.toWire.length, ping.path], [[], 1, [first]]);
}

function forAll(process: Process, first: number): void {
  const other = { senderMac: macOf(9), sender: "10.0.0.9", target: OWN };
  const ask = process.arrive(arp({ operation: 1, ...other }), first);
  assert.deepEqual([ask.toKernel, ask.toWire.length], [[], 1]);
  const answer = arp({ operation: 2, ...other }, OWN_MAC);
  assert.deepEqual(process.arrive(answer, first).toKernel.map(toHex), [toHex(answer)]);
  const packet = { protocol: 17, payload: datagram(FOREIGN), destination: "10.0.0.255" };
  const group = fromPeer(packet, BROADCAST_MAC);
  const { toKernel, toWire } = process.arrive(group, first);
  assert.deepEqual([toKernel.map(toHex), toWire], [[toHex(group)], []]);
}

function fragments(process: Process, first: number): void {
  for (const [id, port] of [BOUND, FOREIGN].entries()) {
    const whole = datagram(port, 2000);
    const parts = [
      fromPeer({ id, protocol: 17, payload: whole.slice(0, 1000), moreFragments: true }),
      fromPeer({ id, protocol: 17, payload: whole.slice(1000), offset: 1000 }),
    ];
    const toKernel = parts.map((part) => process.arrive(part, first).toKernel.length);
    assert.deepEqual(toKernel, [port === FOREIGN ? 1 : 0, 1]);
    assert.equal(process.owner.doors.socketAvailable(process.datagrams), 2000, "the socket's, and no other");
  }
}

function silenced(process: Process): void {
  const own = { source: OWN, destination: PEER, sourcePort: BOUND, destinationPort: 5000, payload: VNET };
  const foreign = tcp({ ...base, sourcePort: FOREIGN, destinationPort: 1 }, "10.0.0.6", PEER);
  const frames = [
    kernelSegment(LISTENED, "RA"),
    ofKernel(17, udp(own)),
    ofKernel(1, icmp(0, 0, 1, new Uint8Array(8))),
    ofKernel(6, foreign, "10.0.0.6"),
    arp({ operation: 2, senderMac: OWN_MAC, sender: OWN, target: PEER }, PEER_MAC),
  ];
  for (const frame of frames) {
    const { toKernel, toWire } = process.send(frame);
    assert.deepEqual([toKernel, toWire], [[], []], toHex(frame));
  }
}

for (const [count, owner] of [
  [1, 0],
  [2, 0],
  [2, 1],
  [3, 1],
] as const) {
  const queues = Array.from({ length: count }, (_, index) => index);
  const fromEachQueue = (check: (process: Process, first: number) => void) => () => {
    for (const first of queues) check(new Process(count, owner), first);
  };

  describe(`a kernel beside ${count} stacks, sockets in stack ${owner}`, () => {
    it("gets what no socket of any stack wants, and nobody else answers", fromEachQueue(unwanted));
    it("gets nothing that a socket wants; a stray segment is answered by a stack", fromEachQueue(wanted));
    it("hears of ARP answers and group frames once, and of no request", fromEachQueue(forAll));
    it("gets the first fragment only of what is for it", fromEachQueue(fragments));

    it("sends by the last stack's wire, and nothing that a socket has to say", () => {
      const process = new Process(count, owner);
      const request = arp({ operation: 1, senderMac: OWN_MAC, sender: OWN, target: "10.0.0.7" });
      for (const frame of [kernelSegment(FOREIGN, "SA"), kernelSegment(FOREIGN, "R"), request]) {
        const { path, toKernel, toWire } = process.send(frame);
        assert.deepEqual([path, toKernel, toWire.map(toHex)], [queues, [], [toHex(frame)]]);
      }
      silenced(process);
    });
  });
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import { EADDRINUSE, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { arp, icmp, macOf, seen, udp } from "../support/frames.js";
import { fromPeer, OWN, PEER } from "../support/lan.js";
import { tcp } from "../support/tcp-segment.js";

const FRAME_FLAGS = layout.PORTS + layout.PORT_RX + layout.RX_FRAME_FLAGS;
const SYN = {
  sourcePort: 40000,
  destinationPort: 80,
  sequence: 7,
  acknowledgement: 0,
  flags: "S",
  window: 9000,
  payload: new Uint8Array(0),
};

/** The stacks of one process, which hand frames on as the shell does. */
class Process {
  readonly stacks: StackHost[];

  constructor(count: number) {
    this.stacks = Array.from({ length: count }, (_, index) => {
      const host = new StackHost({ seed: [BigInt(index + 1), 2n, 3n, 4n] });
      host.doors.stackPlace(index, count);
      host.transmit();
      host.advance(2_000_000n);
      host.transmit();
      host.receive([arp({ operation: 2, senderMac: macOf(2), sender: PEER, target: OWN })]);
      return host;
    });
  }

  at(index: number): StackHost {
    return this.stacks[index % this.stacks.length] ?? assert.fail();
  }

  /** A frame arrives in the queue of stack `first`; answers which stacks saw it. */
  arrive(frame: Uint8Array, first: number): number[] {
    const path: number[] = [];
    let flags = 0;
    for (let index = first; path.length <= this.stacks.length; index++) {
      const host = this.at(index);
      path.push(index % this.stacks.length);
      host.receive([frame], flags);
      flags = host.view().getUint32(FRAME_FLAGS, true);
      if (flags >> layout.RX_SEEN_SHIFT === 0) return path;
    }
    return assert.fail("a frame goes round and round");
  }

  /** What each stack has sent since it was last asked. */
  sent(): number[] {
    return this.stacks.map((host) => host.transmit().length);
  }
}

function counterPlace(name: string): number {
  return COUNTERS.find((entry) => entry.enum === "Counter" && entry.name === name)?.index ?? assert.fail();
}

function bound(host: StackHost, type: number, port: number): number {
  const handle = host.doors.socketOpen(4, type);
  host.setEndpoint({ ip: OWN, port });
  assert.equal(host.doors.socketBind(handle), 0);
  return handle;
}

const datagram = (port: number, payload = new Uint8Array(4)) =>
  fromPeer({
    protocol: 17,
    payload: udp({ source: PEER, destination: OWN, sourcePort: 5000, destinationPort: port, payload }),
  });
const segment = (port: number) =>
  fromPeer({ protocol: 6, payload: tcp({ ...SYN, destinationPort: port }, PEER, OWN) });

describe("hand-over between the stacks of a process", () => {
  it("brings a segment to the stack that listens, and its answer comes from there", () => {
    const process = new Process(3);
    const listener = bound(process.at(2), SOCK_STREAM, 80);
    assert.equal(process.at(2).doors.socketListen(listener, 8), 0);
    process.sent();
    assert.deepEqual(process.arrive(segment(80), 0), [0, 1, 2]);
    assert.deepEqual(process.sent(), [0, 0, 1]);
    assert.deepEqual(process.arrive(segment(80), 2), [2], "it is wanted where it arrives");
  });

  it("brings a connection's segments home by whatever queue, though all stacks listen", () => {
    const process = new Process(3);
    for (const host of process.stacks) {
      assert.equal(host.doors.socketListen(bound(host, SOCK_STREAM, 80), 8), 0);
      host.transmit();
    }
    assert.deepEqual(process.arrive(segment(80), 0), [0]);
    process.sent();
    process.at(0).receive([arp({ operation: 2, senderMac: macOf(2), sender: PEER, target: OWN })]);
    const answer = process
      .at(0)
      .transmit()
      .find(({ bytes }) => bytes.length > 42);
    const sequence = new DataView((answer ?? assert.fail()).bytes.slice(14 + 20).buffer).getUint32(4);
    const next = (flags: string, data = 0, offset = 0) =>
      fromPeer({
        protocol: 6,
        payload: tcp(
          {
            ...SYN,
            flags,
            sequence: SYN.sequence + 1 + offset,
            acknowledgement: sequence + 1,
            payload: new Uint8Array(data),
          },
          PEER,
          OWN,
        ),
      });
    assert.deepEqual(process.arrive(next("A"), 1), [1, 2, 0]);
    assert.deepEqual(process.arrive(next("PA", 5), 2), [2, 0]);
    assert.deepEqual(process.arrive(next("PA", 3, 5), 0), [0]);
    const passive = counterPlace("tcpPassiveOpens");
    assert.deepEqual(
      process.stacks.map((host) => host.counter(passive)),
      [1, 0, 0].map(BigInt),
    );
    const resets = counterPlace("tcpResetsOut");
    assert.deepEqual(
      process.stacks.map((host) => host.counter(resets)),
      [0, 0, 0].map(BigInt),
    );
    assert.deepEqual(process.arrive(next("R", 0, 8), 1), [1, 2, 0], "its end, too");
    const ends = counterPlace("tcpResetsIn");
    assert.equal(process.at(0).counter(ends), 1n);
  });

  it("answers for what nobody wants once, after all have seen it", () => {
    const process = new Process(3);
    process.sent();
    assert.deepEqual(process.arrive(segment(81), 1), [1, 2, 0]);
    assert.deepEqual(process.sent(), [1, 0, 0], "a reset");
    assert.deepEqual(process.arrive(datagram(81), 2), [2, 0, 1]);
    assert.deepEqual(process.sent(), [0, 1, 0], "port unreachable");
  });

  it("brings a datagram to its socket wherever that is", () => {
    const process = new Process(2);
    const handle = bound(process.at(1), SOCK_DGRAM, 53);
    for (const first of [0, 1]) {
      process.arrive(datagram(53), first);
      assert.equal((process.at(1).recv(handle, 10) as Uint8Array).length, 4);
    }
    assert.deepEqual(process.sent(), [0, 0]);
  });

  it("lets all learn from ARP, and one answer", () => {
    const process = new Process(3);
    process.sent();
    const request = arp({ operation: 1, senderMac: macOf(9), sender: "10.0.0.9", target: OWN });
    assert.deepEqual(process.arrive(request, 1), [1, 2, 0]);
    assert.deepEqual(process.sent(), [0, 1, 0]);
    for (const host of process.stacks) {
      const handle = host.doors.socketOpen(4, SOCK_DGRAM);
      host.setEndpoint({ ip: "10.0.0.9", port: 9 });
      assert.equal(host.send(handle, new Uint8Array(1)), 1);
      const [frame] = host.transmit();
      assert.ok(frame !== undefined && seen(frame.bytes).arp === undefined, "it knows the address");
    }
  });

  it("answers an echo request where it arrives", () => {
    const process = new Process(2);
    process.sent();
    assert.deepEqual(
      process.arrive(fromPeer({ protocol: 1, payload: icmp(8, 0, 0, new Uint8Array(8)) }), 1),
      [1],
    );
    assert.deepEqual(process.sent(), [0, 1]);
  });

  it("is not done by a stack that is alone", () => {
    const process = new Process(1);
    process.sent();
    assert.deepEqual(process.arrive(segment(81), 0), [0]);
    assert.deepEqual(process.sent(), [1]);
  });
});

describe("listeners in every stack", () => {
  /** Copies the socket's description from one stack to another, as the shell does. */
  function carry(from: StackHost, handle: number, to: StackHost): void {
    const length = from.doors.socketCopy(handle);
    assert.ok(length > 0 && length <= layout.CALL_OPTION_SIZE);
    to.bytes(layout.CALL_OPTION, length).set(from.bytes(layout.CALL_OPTION, length));
  }

  it("have the address, the options and the backlog of the first", () => {
    const process = new Process(2);
    const [first, second] = [process.at(0), process.at(1)];
    const listener = bound(first, SOCK_STREAM, 80);
    assert.equal(first.doors.socketListen(listener, 5), 0);
    carry(first, listener, second);
    const shadow = second.doors.socketShadow();
    assert.ok(shadow >= 0);
    assert.equal(second.doors.socketName(shadow, 0), 0);
    assert.deepEqual(second.endpoint(), { ip: OWN, port: 80 });
    process.sent();
    assert.deepEqual(process.arrive(segment(80), 1), [1]);
    assert.deepEqual(process.sent(), [0, 1]);
    carry(first, listener, second);
    assert.equal(second.doors.socketFollow(shadow), 0);
    assert.equal(second.doors.socketShadow(), -EADDRINUSE, "a second one");
  });

  it("are looked at by bind() in other stacks", () => {
    const process = new Process(2);
    const [first, second] = [process.at(0), process.at(1)];
    bound(second, SOCK_STREAM, 80);
    const handle = first.doors.socketOpen(4, SOCK_STREAM);
    for (const [port, expected] of [
      [80, -EADDRINUSE],
      [81, 0],
    ] as const) {
      carry(first, handle, second);
      second.setEndpoint({ ip: OWN, port });
      assert.equal(second.doors.socketMayBind(), expected);
    }
  });
});

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import * as registration from "../../../build/generated/node/registration-layout.js";
import { ECONNREFUSED, ECONNRESET, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { inner, segment } from "../../dispatch/support/segments.js";
import { DirectPair, introduction, type Side } from "../support/direct-pair.js";
import { macOf } from "../support/frames.js";

const BULK = 300_000;

function counted(side: Side, of: "Counter" | "DropReason", name: string): number {
  const entry = COUNTERS.find((candidate) => candidate.enum === of && candidate.name === name);
  assert.ok(entry, name);
  return Number(side.host.counter(entry.index, of === "Counter" ? layout.COUNTERS : layout.DROPS));
}

/** Sends bytes of a pattern and receives them; how many were the same. */
function transfer(
  pair: DirectPair,
  from: Side,
  to: Side,
  sender: number,
  receiver: number,
  length: number,
): number {
  const data = Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
  let sent = 0;
  let right = 0;
  for (let round = 0; round < 1000 && right < length; round++) {
    const taken = sent < length ? from.host.send(sender, data.subarray(sent)) : 0;
    if (taken > 0) sent += taken;
    pair.settle();
    const got = to.host.recv(receiver, 100_000);
    if (typeof got === "number") continue;
    for (const byte of got) {
      if (byte !== data[right]) return right;
      right++;
    }
    pair.settle();
  }
  return right;
}

describe("a ring to another program", () => {
  let pair: DirectPair;

  beforeEach(async () => {
    pair = await DirectPair.open();
    pair.settle();
  });

  it("takes connections over that exist, and carries both directions in super-frames", () => {
    const [client, server] = pair.connect();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, 5_000), 5_000);
    assert.ok(pair.forwarded > 5);
    pair.introduce();
    pair.settle();
    pair.forwarded = 0;
    assert.equal(transfer(pair, pair.first, pair.second, client, server, BULK), BULK);
    assert.equal(transfer(pair, pair.second, pair.first, server, client, BULK), BULK);
    assert.equal(pair.forwarded, 0, "nothing went through ltran");
    for (const side of [pair.first, pair.second]) {
      assert.equal(counted(side, "Counter", "peersOpened"), 1);
      const frames = counted(side, "Counter", "peerFramesOut");
      assert.ok(frames > 5 && frames < BULK / 1448, `${frames} frames`);
      assert.equal(counted(side, "DropReason", "ringFault"), 0);
      assert.equal(counted(side, "DropReason", "tcpMalformed"), 0);
    }
  });

  it("carries connections from their first to their last segment", () => {
    pair.introduce();
    pair.settle();
    pair.forwarded = 0;
    const [client, server] = pair.connect();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, 5_000), 5_000);
    pair.first.host.doors.socketClose(client, pair.first.host.now);
    pair.second.host.doors.socketClose(server, pair.second.host.now);
    pair.settle();
    pair.pass(100);
    assert.equal(pair.forwarded, 0);
  });

  it("says when it sleeps, and wakes who does", () => {
    pair.introduce();
    pair.settle();
    const { first, second } = pair;
    assert.equal(second.host.doors.ringArm(second.port), 0);
    pair.share(second);
    pair.connect();
    assert.equal(first.host.doors.ringDue(first.port, 1), layout.RING_DUE_KICK);
    second.host.doors.ringDisarm(second.port);
  });

  it("goes back to ltran when the other end is gone, and says something soon", () => {
    const [client, server] = pair.connect();
    pair.introduce();
    pair.settle();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, 5_000), 5_000);
    for (const side of [pair.first, pair.second]) {
      assert.equal(pair.closePort(side), registration.INTRODUCTION_SIZE);
      assert.equal(side.kindSaid(), registration.REGISTRATION_DECLINED);
      assert.equal(counted(side, "Counter", "peersClosed"), 1);
    }
    pair.forwarded = 0;
    pair.pass(50);
    assert.ok(pair.forwarded >= 2, "both said where they are");
    assert.equal(transfer(pair, pair.second, pair.first, server, client, BULK), BULK);
    assert.ok(pair.forwarded > 10);
    pair.introduce();
    pair.settle();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, BULK), BULK);
  });

  it("lets connections to a program that is gone be reset", () => {
    pair.introduce();
    pair.settle();
    const [client] = pair.connect();
    pair.closePort(pair.first);
    const { host, ring } = pair.first;
    assert.deepEqual(ring.taken(), []);
    host.advance(30_000n);
    const [said] = ring.taken();
    assert.ok(said, "a segment at once, without a question where to send it");
    const { link, acknowledgement, destinationPort, sourcePort } = inner(said.bytes);
    assert.equal(link.ip?.destination, pair.second.ip);
    // ltran's answer for a program that is gone (RFC 9293, section 3.10.7.1).
    const ends = {
      from: pair.second.ip,
      to: pair.first.ip,
      sourcePort: destinationPort,
      destinationPort: sourcePort,
    };
    ring.give(
      segment({ ...ends, flags: "R", sequence: acknowledgement, fromMac: macOf(2), toMac: macOf(1) }),
    );
    assert.equal(host.doors.socketError(client), ECONNRESET);
  });

  it("stays when ltran goes", () => {
    pair.introduce();
    pair.settle();
    const [client, server] = pair.connect();
    for (const side of [pair.first, pair.second]) side.ring.detach();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, BULK), BULK);
    for (const side of [pair.first, pair.second]) {
      assert.equal(side.host.doors.peerAttached(side.port), registration.INTRODUCTION_SIZE);
      assert.equal(side.kindSaid(), registration.REGISTRATION_ATTACHED);
    }
  });
});

describe("a ring to one of several stacks of a program", () => {
  /** Both programs have several. */
  const several = () => DirectPair.open({ index: 1, count: 2 }, { index: 2, count: 3 });

  function announced(side: Side): string[] {
    return side.ring.announced().filter((text) => text.startsWith("flow"));
  }

  it("carries a connection from the answer to its request on, which ltran forwards", async () => {
    const pair = await several();
    pair.settle();
    pair.introduce();
    pair.saysSender = true;
    pair.settle();
    pair.forwarded = 0;
    const [client, server] = pair.connect();
    assert.equal(transfer(pair, pair.first, pair.second, client, server, BULK), BULK);
    assert.equal(transfer(pair, pair.second, pair.first, server, client, BULK), BULK);
    assert.equal(pair.forwarded, 1, "the request");
    pair.first.host.doors.socketClose(client, pair.first.host.now);
    pair.second.host.doors.socketClose(server, pair.second.host.now);
    pair.settle();
    pair.pass(100);
    assert.equal(pair.forwarded, 1);
  });

  it("tells ltran, which forwarded only the request, that a connection is open, and ends", async () => {
    const pair = await several();
    pair.settle();
    pair.connect();
    pair.introduce();
    pair.saysSender = true;
    const { first, second } = pair;
    const listener = second.host.doors.socketOpen(4, SOCK_STREAM);
    second.host.setEndpoint({ ip: "0.0.0.0", port: 90 });
    assert.equal(second.host.doors.socketBind(listener), 0);
    second.host.doors.socketListen(listener, 8);
    announced(second);
    const handle = first.host.doors.socketOpen(4, SOCK_STREAM);
    first.host.setEndpoint({ ip: second.ip, port: 90 });
    first.host.doors.socketConnect(handle, first.host.now);
    const [request] = first.ring.taken();
    second.ring.give(request?.bytes ?? assert.fail("no request"), first.place.index + 1);
    // Nothing but announcements goes by ltran from here on.
    const rest: string[] = [];
    const run = () => {
      for (let round = 0; round < 10; round++) {
        for (const side of [first, second]) {
          side.run();
          pair.share(side);
        }
        for (const { bytes, announcement } of second.ring.taken()) {
          if (announcement !== undefined) rest.push(announcement.kind);
          else assert.equal(bytes[13], 6, "what is not said of an address goes by the ring");
        }
      }
    };
    run();
    assert.deepEqual(rest, ["flow"]);
    const accepted = second.host.doors.socketAccept(listener, second.host.now);
    assert.ok(accepted >= 0);
    second.host.doors.socketClose(accepted, second.host.now);
    first.host.doors.socketClose(handle, first.host.now);
    run();
    assert.deepEqual(rest, ["flow", "flowGone"]);
  });

  it("takes a connection over when ltran says whose a segment is", async () => {
    const pair = await several();
    pair.settle();
    const [client, server] = pair.connect();
    pair.introduce();
    pair.settle();
    pair.forwarded = 0;
    assert.equal(transfer(pair, pair.first, pair.second, client, server, 20_000), 20_000);
    assert.ok(pair.forwarded > 5, "nobody knows that it is this stack's");
    pair.saysSender = true;
    assert.equal(transfer(pair, pair.first, pair.second, client, server, 5_000), 5_000);
    pair.forwarded = 0;
    assert.equal(transfer(pair, pair.second, pair.first, server, client, BULK), BULK);
    assert.equal(pair.forwarded, 0);
  });

  it("leaves connections of the program's other stacks, and datagrams, to ltran", async () => {
    const pair = await several();
    pair.settle();
    const [client, server] = pair.connect();
    pair.introduce();
    pair.settle();
    const { first, second } = pair;
    const datagram = first.host.doors.socketOpen(4, SOCK_DGRAM);
    first.host.setEndpoint({ ip: second.ip, port: 53 });
    assert.equal(first.host.doors.socketConnect(datagram, first.host.now), 0);
    assert.equal(first.host.send(datagram, new Uint8Array(10)), 10);
    first.run();
    const sent = first.ring.taken().filter(({ announcement }) => announcement === undefined);
    assert.equal(sent.length, 1);
    // Another stack of the first program, to which there is no ring, has this connection.
    for (const side of [first, second]) assert.equal(counted(side, "Counter", "peerFramesOut"), 0);
    for (let i = 0; i < 3; i++) {
      first.host.send(client, new Uint8Array(100));
      for (const { bytes, announcement } of first.ring.taken()) {
        if (announcement === undefined) second.ring.give(bytes, 1);
      }
      second.host.recv(server, 1_000);
      second.run();
    }
    assert.equal(counted(second, "Counter", "peerFramesOut"), 0);
  });

  it("answers what it does not know by the ring that it came by", async () => {
    const pair = await several();
    pair.settle();
    pair.introduce();
    pair.saysSender = true;
    pair.settle();
    pair.forwarded = 0;
    const { first, second } = pair;
    const handle = first.host.doors.socketOpen(4, SOCK_STREAM);
    first.host.setEndpoint({ ip: second.ip, port: 81 });
    first.host.doors.socketConnect(handle, first.host.now);
    pair.settle();
    assert.equal(first.host.doors.socketError(handle), ECONNREFUSED);
    assert.equal(pair.forwarded, 1);
  });

  it("is told from the rings to the program's other stacks", async () => {
    const pair = await several();
    pair.introduce();
    const { first, second } = pair;
    const about = (stack: number) => ({ [registration.INTRODUCTION_STACK_INDEX]: stack | (3 << 16) });
    const offer = (stack: number) =>
      introduction(registration.REGISTRATION_OFFER, second.ip, second.mac, about(stack));
    assert.equal(first.hear(offer(2)), layout.INTRODUCTION_ANSWER);
    assert.equal(first.hear(offer(3)), layout.INTRODUCTION_ANSWER);
    assert.equal(first.hear(offer(1)), layout.INTRODUCTION_MAKE);
    const withdrawn = (stack: number) =>
      introduction(registration.REGISTRATION_WITHDRAWN, second.ip, second.mac, about(stack));
    assert.equal(first.hear(withdrawn(1)), 0);
    assert.equal(first.hear(withdrawn(2)) >> layout.INTRODUCTION_PORT, first.port);
  });
});

describe("introductions", () => {
  let pair: DirectPair;
  const { REGISTRATION_OFFER: offer, REGISTRATION_INTRODUCTION: introduce } = registration;

  beforeEach(async () => {
    pair = await DirectPair.open();
    pair.settle();
  });

  it("declines what cannot be a peer", () => {
    const { first } = pair;
    for (const [ip, mac] of [
      [first.ip, 2n],
      ["10.0.0.9", 0n],
      ["10.0.0.9", 1n],
      ["10.0.0.9", 1n << 48n],
      ["224.0.0.1", 2n],
    ] as const) {
      assert.equal(first.hear(introduction(offer, ip, mac)), layout.INTRODUCTION_ANSWER, ip);
      assert.equal(first.kindSaid(), registration.REGISTRATION_DECLINED);
    }
    const strange = { [registration.INTRODUCTION_SLOTS]: 512, [registration.INTRODUCTION_BUFFER_SIZE]: 4096 };
    assert.equal(first.hear(introduction(introduce, "10.0.0.9", 2n, strange)), layout.INTRODUCTION_ANSWER);
  });

  it("declines a second ring to a peer, and one without memory", () => {
    pair.introduce();
    const { first, second } = pair;
    assert.equal(first.hear(introduction(offer, second.ip, second.mac)), layout.INTRODUCTION_ANSWER);
    assert.equal(first.hear(introduction(offer, "10.0.0.9", 2n)), layout.INTRODUCTION_MAKE);
    assert.ok(first.host.doors.peerMake(0, first.ring.landing, first.host.now) < 0);
    assert.equal(first.kindSaid(), registration.REGISTRATION_DECLINED);
    assert.equal(
      first.hear(introduction(offer, "10.0.0.9", 2n)),
      layout.INTRODUCTION_MAKE,
      "the port is free again",
    );
  });

  it("takes nothing for a message that is none", () => {
    const { first } = pair;
    const message = introduction(offer, "10.0.0.9", 2n);
    for (const broken of [message.subarray(0, 71), new Uint8Array(0), introduction(2, "10.0.0.9", 2n)]) {
      assert.equal(first.hear(broken), 0);
    }
    assert.equal(first.hear(introduction(registration.REGISTRATION_READY, "10.0.0.9", 2n)), 0);
    assert.equal(first.hear(introduction(registration.REGISTRATION_WITHDRAWN, "10.0.0.9", 2n)), 0);
  });

  it("closes the ring that is withdrawn", () => {
    pair.introduce();
    const { first, second } = pair;
    const step = first.hear(introduction(registration.REGISTRATION_WITHDRAWN, second.ip, second.mac));
    assert.equal(step & 0xff, layout.INTRODUCTION_CLOSE);
    assert.equal(step >> layout.INTRODUCTION_PORT, first.port);
  });

  it("sends nothing before the other one has attached", () => {
    const { first, second } = pair;
    assert.equal(first.hear(introduction(offer, second.ip, second.mac)), layout.INTRODUCTION_MAKE);
    first.host.bytes(first.region, first.host.doors.peerRegionSize()).fill(0);
    first.port = first.host.doors.peerMake(first.region, first.ring.landing, first.host.now);
    const [client, server] = pair.connect();
    assert.equal(transfer(pair, first, second, client, server, 2_000), 2_000);
    assert.equal(counted(first, "Counter", "peerFramesOut"), 0);
  });
});

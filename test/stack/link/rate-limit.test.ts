import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import type { StackHost } from "../../../sim/host.js";
import { openDatagram, sendTo } from "../support/datagrams.js";
import { Lan, PEER } from "../support/lan.js";
import { Pair } from "../support/pair.js";

const PORT = 7000;
const SECOND = 1_000_000;

/** A connection that sends as much as it may from the first stack to the second. */
class Flow {
  readonly pair: Pair;
  readonly sender: StackHost;
  private readonly receiver: StackHost;
  private readonly out: number;
  private readonly in: number;
  received = 0;

  constructor(pair = new Pair({ size: 16 << 20 })) {
    this.pair = pair;
    [this.sender, this.receiver] = pair.hosts;
    const listener = this.receiver.doors.socketOpen(4, SOCK_STREAM);
    this.receiver.setEndpoint({ ip: "10.0.0.2", port: PORT });
    assert.equal(this.receiver.doors.socketBind(listener), 0);
    assert.equal(this.receiver.doors.socketListen(listener, 4), 0);
    this.out = this.sender.doors.socketOpen(4, SOCK_STREAM);
    this.sender.setEndpoint({ ip: "10.0.0.2", port: PORT });
    this.sender.doors.socketConnect(this.out, this.sender.now);
    pair.pass(10_000);
    this.in = this.receiver.doors.socketAccept(listener, this.receiver.now);
    assert.ok(this.in >= 0, "the connection stands");
    pair.log = [];
  }

  fill(): void {
    while (this.sender.send(this.out, new Uint8Array(16_384)) > 0);
  }

  drain(): void {
    for (;;) {
      const data = this.receiver.recv(this.in, 65_536);
      if (typeof data === "number" || data.length === 0) return;
      this.received += data.length;
    }
  }

  /** Lets both sides work for a time, the sender at every deadline of its own. */
  run(microseconds: number): void {
    const end = this.sender.now + BigInt(microseconds);
    while (this.sender.now < end) {
      this.fill();
      this.pair.settle();
      this.drain();
      this.pair.settle();
      const next = [...this.pair.hosts].map((host) => host.nextDeadline() ?? end);
      const until = [end, ...next].reduce((least, at) => (at < least ? at : least));
      const step = until > this.sender.now ? until - this.sender.now : 1n;
      for (const host of this.pair.hosts) host.advance(step);
    }
  }

  sentFrames(): Uint8Array[] {
    return this.pair.log.filter((frame) => frame.from === 0).map((frame) => frame.bytes);
  }
}

describe("rate limit of TCP", () => {
  it("keeps the bits per second, and loses nothing", () => {
    const flow = new Flow();
    flow.sender.doors.rateLimitSet(0, 10, flow.sender.now);
    flow.run(2 * SECOND);
    const bits = 8 * flow.sentFrames().reduce((sum, frame) => sum + frame.length, 0);
    // What was unused for 10 ms may go at once.
    assert.ok(bits <= 10_000_000 * 2.011 + 12_112, `${bits} bits in 2 s`);
    assert.ok(bits >= 10_000_000 * 1.98, `${bits} bits in 2 s`);
    assert.ok(flow.received > 2_300_000, `${flow.received} bytes arrived`);
  });

  it("keeps the packets per second, however small they are", () => {
    const flow = new Flow();
    flow.sender.doors.rateLimitSet(500, 0, flow.sender.now);
    flow.run(2 * SECOND);
    const packets = flow.sentFrames().length;
    assert.ok(packets >= 990 && packets <= 1_006, `${packets} packets in 2 s`);
  });

  it("counts a super-frame as the packets that the port makes of it", () => {
    const flags = layout.PORT_FLAG_SEGMENTATION | layout.PORT_FLAG_TX_CHECKSUM;
    const receives = layout.PORT_FLAG_RX_CHECKSUM | layout.PORT_FLAG_PARTIAL_CHECKSUM;
    const options = { size: 16 << 20, flags: flags | receives, segmentationMax: 60_000 };
    const flow = new Flow(new Pair(options));
    flow.sender.doors.rateLimitSet(1_000, 0, flow.sender.now);
    flow.run(2 * SECOND);
    const frames = flow.sentFrames();
    assert.ok(
      frames.some((frame) => frame.length > 10_000),
      "there were super-frames",
    );
    const packets = frames.reduce(
      (sum, frame) => sum + Math.max(1, Math.ceil((frame.length - 66) / 1_448)),
      0,
    );
    assert.ok(packets >= 1_950 && packets <= 2_055, `${packets} packets in 2 s`);
  });

  it("is over at once when it is taken away", () => {
    const flow = new Flow();
    flow.sender.doors.rateLimitSet(10, 0, flow.sender.now);
    flow.run(SECOND);
    const before = flow.received;
    flow.sender.doors.rateLimitSet(0, 0, flow.sender.now);
    flow.run(10_000);
    assert.ok(flow.received - before > 100_000, `${flow.received - before} bytes`);
  });
});

describe("rate limit: waiting", () => {
  it("the stack says when to come back, and sends then", () => {
    const flow = new Flow();
    flow.sender.doors.rateLimitSet(10, 0, flow.sender.now);
    flow.fill();
    assert.equal(flow.sender.transmit().length, 1);
    // One packet is 100 ms of the rate, of which 10 ms were saved.
    const due = flow.sender.now + 90_001n;
    for (let woken = 0; flow.sender.now < due; woken++) {
      assert.ok(woken < 100, "it wakes for timers only");
      assert.equal(flow.sender.transmit().length, 0);
      const at = flow.sender.nextDeadline() ?? 0n;
      assert.ok(at <= due, "it does not forget what waits");
      flow.sender.advance(at - flow.sender.now);
    }
    assert.equal(flow.sender.transmit().length, 1);
  });

  it("is counted once for each time", () => {
    const lan = new Lan();
    lan.meet();
    lan.host.doors.rateLimitSet(100, 0, lan.host.now);
    const socket = openDatagram(lan, PORT);
    for (let i = 0; i < 5; i++) sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    assert.equal(lan.counter("txRateWaits"), 1);
    lan.wait(10_001);
    for (let i = 0; i < 5; i++) sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    assert.equal(lan.counter("txRateWaits"), 2);
  });

  it("does not wake anybody while nothing waits", () => {
    const lan = new Lan();
    lan.meet();
    lan.wait(5 * SECOND);
    lan.host.doors.rateLimitSet(1, 0, lan.host.now);
    const idle = lan.host.nextDeadline();
    const socket = openDatagram(lan, PORT);
    for (let i = 0; i < 3; i++) sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    assert.equal(lan.host.nextDeadline(), idle);
  });
});

describe("rate limit of datagrams", () => {
  it("drops what exceeds it for a reason of its own, and loses no buffer", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    lan.host.doors.rateLimitSet(300, 0, lan.host.now);
    lan.expectDrops({ rateLimited: 7 }, () => {
      for (let i = 0; i < 10; i++) assert.equal(sendTo(lan, socket, PEER, 7, new Uint8Array(10)), 10);
    });
    assert.equal(lan.sent().length, 3);
    assert.equal(lan.counter("udpOut"), 3);
    assert.equal(lan.used("buffer"), 0);
  });

  it("takes all fragments of a datagram or none", () => {
    const lan = new Lan();
    lan.meet();
    const socket = openDatagram(lan, PORT);
    lan.host.doors.rateLimitSet(100, 0, lan.host.now);
    lan.expectDrops({ rateLimited: 1 }, () => {
      for (let i = 0; i < 2; i++) sendTo(lan, socket, PEER, 7, new Uint8Array(4_000));
    });
    assert.equal(lan.sent().length, 3);
    // Three packets are 30 ms of the rate, of which 10 ms were saved.
    lan.expectDrops({ rateLimited: 1 }, () => {
      lan.wait(19_999);
      sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    });
    lan.wait(2);
    sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    assert.equal(lan.sent().length, 1);
    assert.equal(lan.used("buffer"), 0);
  });

  it("ARP does not wait", () => {
    const lan = new Lan();
    lan.meet();
    const socket = lan.host.doors.socketOpen(4, SOCK_DGRAM);
    lan.host.doors.rateLimitSet(1, 0, lan.host.now);
    for (let i = 0; i < 2; i++) sendTo(lan, socket, PEER, 7, new Uint8Array(10));
    lan.host.transmit();
    lan.meet(3);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { readCapture } from "../../../ctl/capture-ring.js";
import { arp, ethernet, macOf } from "../support/frames.js";
import { fromPeer, Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";

const AREA_SIZE = layout.CAPTURE_RING + (1 << 19);
const snapMost = 1 << 16;
const request = arp({ operation: 1, senderMac: PEER_MAC, sender: PEER, target: OWN });

/** What libpcap makes of some filters for Ethernet. */
const FILTERS = {
  arp: "40 0 0 12;21 0 1 2054;6 0 0 262144;6 0 0 0",
  icmp: "40 0 0 12;21 0 3 2048;48 0 0 23;21 0 1 1;6 0 0 262144;6 0 0 0",
  "tcp[tcpflags] & tcp-rst != 0":
    "40 0 0 12;21 0 8 2048;48 0 0 23;21 0 6 6;40 0 0 20;69 4 0 8191;177 0 0 14;80 0 0 27;69 0 1 4;" +
    "6 0 0 262144;6 0 0 0",
  "len > 100": "128 0 0 0;37 0 1 100;6 0 0 262144;6 0 0 0",
} as const;

/** A stack with a capture that may be started and stopped. */
class Captured {
  readonly lan: Lan;
  readonly #at: number;
  #read = 0n;

  constructor(lan = new Lan()) {
    this.lan = lan;
    this.#at = lan.host.memory.buffer.byteLength - AREA_SIZE;
    assert.equal(lan.host.doors.captureOpen(this.#at, AREA_SIZE), 0);
  }

  start(filter = "", snap = snapMost): void {
    const steps = filter === "" ? [] : filter.split(";").map((step) => step.split(" ").map(Number));
    const view = this.lan.host.view();
    view.setUint32(this.#at + layout.CAPTURE_SNAP, snap, true);
    view.setUint32(this.#at + layout.CAPTURE_STEP_COUNT, steps.length, true);
    for (const [i, [code = 0, jumpTrue = 0, jumpFalse = 0, k = 0]] of steps.entries()) {
      const at = this.#at + layout.CAPTURE_STEPS + 8 * i;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, jumpTrue);
      view.setUint8(at + 3, jumpFalse);
      view.setUint32(at + 4, k, true);
    }
    view.setUint32(layout.ROOT + layout.ROOT_CAPTURING, 1, true);
  }

  stop(): void {
    this.lan.host.view().setUint32(layout.ROOT + layout.ROOT_CAPTURING, 0, true);
  }

  /** The frames since the last time. */
  frames() {
    const area = Buffer.from(this.lan.host.bytes(this.#at, AREA_SIZE));
    const { frames, next, lost } = readCapture(area, area, this.#read);
    this.#read = next;
    return { frames, lost };
  }
}

describe("a capture", () => {
  it("has what was received and what was sent, in order, as it was", () => {
    const captured = new Captured();
    captured.start();
    captured.lan.host.receive([request]);
    const [reply] = captured.lan.host.transmit();
    const { frames } = captured.frames();
    assert.deepEqual(
      frames.map(({ isSent, bytes, original }) => [isSent, [...bytes], original]),
      [
        [false, [...request], request.length],
        [true, [...(reply?.bytes ?? [])], reply?.bytes.length],
      ],
    );
    assert.equal(frames[0]?.at, captured.lan.host.now);
  });

  it("has nothing of before it was started and after it was stopped", () => {
    const captured = new Captured();
    captured.lan.give(request);
    captured.start();
    captured.stop();
    captured.lan.give(request);
    assert.deepEqual(captured.frames().frames, []);
  });

  it("keeps as many bytes of a frame as it is told", () => {
    const captured = new Captured();
    captured.start("", 20);
    captured.lan.give(request);
    assert.deepEqual(
      captured.frames().frames.map(({ bytes, original }) => [bytes.length, original]),
      [
        [20, 42],
        [20, 42],
      ],
    );
  });

  it("names the reason of a drop", () => {
    const captured = new Captured();
    captured.start();
    captured.lan.give(ethernet(macOf(9), PEER_MAC, 0x0800, new Uint8Array(60)));
    captured.lan.give(request);
    assert.deepEqual(
      captured.frames().frames.map(({ reason }) => reason?.name),
      ["notOurMac", undefined, undefined],
    );
  });

  it("has payload that lies in other buffers than the headers", () => {
    const peer = new TcpPeer();
    const captured = new Captured(peer.lan);
    const handle = peer.open();
    captured.start();
    peer.write(handle, 5_000);
    const sent = peer.takeData();
    const frames = captured.frames().frames.filter(({ original }) => original > 100);
    assert.equal(frames.length, sent.length);
    assert.deepEqual(
      frames.map(({ bytes }) => bytes.length),
      frames.map(({ original }) => original),
    );
  });

  it("is a ring: what nobody read in time is counted as lost, what is left is whole", () => {
    const captured = new Captured();
    captured.start();
    const frame = (i: number) => ethernet(macOf(9), PEER_MAC, 0x0800, new Uint8Array(1400).fill(i));
    for (let i = 0; i < 1_000; i++) captured.lan.give(frame(i & 255));
    const { frames, lost } = captured.frames();
    assert.ok(lost > 0n);
    assert.ok(frames.length > 0 && frames.length < 365, `${frames.length}`);
    const first = 1_000 - frames.length;
    for (const [i, { bytes }] of frames.entries())
      assert.deepEqual([...bytes], [...frame((first + i) & 255)]);
  });
});

describe("a capture's filter", () => {
  const udp = fromPeer({ protocol: 17, payload: new Uint8Array(200) });
  const echo = fromPeer({ protocol: 1, payload: new Uint8Array(8) });
  const reset = new Uint8Array(20);
  reset[12] = 0x50;
  reset[13] = 4;
  const all = {
    arp: request,
    icmp: echo,
    "tcp[tcpflags] & tcp-rst != 0": fromPeer({ protocol: 6, payload: reset }),
    "len > 100": udp,
  };
  for (const [name, program] of Object.entries(FILTERS)) {
    it(`takes what libpcap takes: ${name}`, () => {
      const captured = new Captured();
      captured.start(program);
      captured.lan.host.receive(Object.values(all));
      const { frames } = captured.frames();
      assert.deepEqual(
        frames.filter(({ isSent }) => !isSent).map(({ bytes }) => [...bytes]),
        [[...all[name as keyof typeof all]]],
      );
    });
  }

  it("takes nothing, and ends, whatever the program says", () => {
    const random = (seed: number) => {
      let state = seed;
      return () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 8;
      };
    };
    for (let seed = 1; seed <= 300; seed++) {
      const next = random(seed);
      const steps = Array.from({ length: 50 }, () => [
        next() & 0xff,
        next() & 0xff,
        next() & 0xff,
        next() * 256,
      ]);
      const captured = new Captured();
      captured.start(steps.map((step) => step.join(" ")).join(";"));
      captured.lan.host.receive([request, udp]);
      assert.ok(captured.frames().frames.length <= 4);
    }
  });

  for (const [name, program] of Object.entries({
    "a load beyond the frame": "32 0 0 4294967292;6 0 0 1",
    "an indirect load that wraps around": "1 0 0 4294967295;80 0 0 1;6 0 0 1",
    "a division by zero": "52 0 0 0;6 0 0 1",
    "a jump behind the end": "5 0 0 4294967295;6 0 0 1",
    "no return": "0 0 0 5",
    "an unknown instruction": "255 0 0 0;6 0 0 1",
  })) {
    it(`takes no frame: ${name}`, () => {
      const captured = new Captured();
      captured.start(program);
      captured.lan.give(ethernet(OWN_MAC, PEER_MAC, 0x1234, new Uint8Array(60)));
      assert.deepEqual(captured.frames().frames, []);
    });
  }
});

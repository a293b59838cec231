/** The rules of a ring port, one by one: its shape in memory, frames both ways, faults, waking. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openRoom, type Room } from "../support/room.js";
import { CHAIN_MAX, Fault, FLAGS, FRAME_MAX, frameOf, HEAD, RingPort, Role, TAIL } from "./port.js";

let room: Room;

before(async () => {
  room = await openRoom("test/ring/rooms/ring.room.ts", 64);
});

function same(actual: Uint8Array | number, expected: Uint8Array): void {
  assert.ok(typeof actual !== "number", `answered ${actual}`);
  assert.deepEqual(Buffer.from(actual).equals(Buffer.from(expected)), true, "the frame's bytes");
}

describe("the region", () => {
  it("is laid out as memif version 2 says", () => {
    const port = new RingPort(room, 512, 2048);
    for (const [ring, head] of [
      [port.forward, 0],
      [port.back, 512],
    ] as const) {
      assert.equal(port.view.getUint32(ring, true), 0x3e31f20);
      assert.equal(port.word(ring, FLAGS), 1);
      assert.equal(port.word(ring, HEAD), head);
      assert.equal(port.word(ring, TAIL), 0);
    }
    assert.equal(port.back - port.forward, 128 + 512 * 16);
    const offsets = new Set<number>();
    for (let i = 0; i < 512; i++) {
      for (const ring of [port.forward, port.back]) {
        const descriptor = port.descriptor(ring, i);
        assert.deepEqual({ ...descriptor, offset: 0 }, { flags: 0, region: 0, length: 2048, offset: 0 });
        assert.equal(descriptor.offset % 64, 0);
        assert.ok(descriptor.offset >= 2 * (128 + 512 * 16));
        assert.ok(descriptor.offset + 2048 <= port.regionSize);
        offsets.add(descriptor.offset);
      }
    }
    const sorted = [...offsets].sort((a, b) => a - b);
    assert.equal(sorted.length, 1024);
    assert.ok(sorted.every((offset, i) => i === 0 || offset - (sorted[i - 1] ?? 0) >= 2048));
  });

  it("is refused by the server when size, slots, place or cookie are wrong", () => {
    const port = new RingPort(room, 16, 2048);
    const attach = (size: number, slots: number, buffers: number, base = port.region) =>
      port.call("regionAttach", base, size, slots, buffers, port.serverTake, port.serverPut, 0);
    assert.equal(attach(port.regionSize, 16, 2048), 1);
    assert.equal(attach(port.regionSize - 4096, 16, 2048), 0);
    assert.equal(attach(port.regionSize, 32, 2048), 0);
    assert.equal(attach(port.regionSize, 16, 4096), 0);
    for (const slots of [0, 1, 3, 24, 1 << 15, 1 << 16, 0xffff_ffff]) {
      assert.equal(attach(port.call("regionSize", slots, 2048), slots, 2048), 0, `${slots} slots`);
    }
    const end = (ring: number, slots: number, data: number, size: number) =>
      port.call("serverAttach", port.serverTake, Role.serverTake, ring, slots, data, size, 0);
    assert.equal(end(port.region, 16, port.region, 128 + 16 * 16), 1);
    assert.equal(end(port.region, 16, port.region, 128 + 16 * 16 - 1), 0, "the ring leaves the region");
    assert.equal(end(port.region - 16, 16, port.region, port.regionSize), 0, "the ring lies before it");
    assert.equal(end(port.region + 8, 16, port.region, port.regionSize), 0, "the ring is not aligned");
    assert.equal(end(port.region, 16, port.region, 0xffff_ffff), 0, "the region leaves linear memory");
    port.view.setUint32(port.back, 0x3e31f21, true);
    assert.equal(attach(port.regionSize, 16, 2048), 0);
    assert.equal(port.call("endBroken", port.serverPut), Fault.header);
    assert.equal(port.put(frameOf(60, 1)), -1);
  });
});

describe("frames", () => {
  const lengths = [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 60, 64, 255, 256, 257, 1514, 2047, 2048];
  const long = [2049, 4096, 4097, 9014, 65535, FRAME_MAX];

  it("cross both ways whole, in slots of one buffer or many", () => {
    const port = new RingPort(room, 64, 2048);
    for (const length of [...lengths, ...long]) {
      const frame = frameOf(length, length);
      const cuts = length > 3 ? [1, length >> 1] : [];
      assert.ok(port.transmit(frame, cuts));
      assert.equal(port.put(frame, cuts), 1);
      assert.equal(port.serverTakes(), 0, "not published");
      assert.equal(port.clientTakes(), 0, "not published");
      port.publishAll();
      same(port.serverTakes(), frame);
      same(port.clientTakes(), frame);
      port.publishAll();
    }
    assert.equal(port.call("endFrames", port.serverTake), lengths.length + long.length);
    assert.equal(
      port.call("endBytes", port.clientReceive),
      [...lengths, ...long].reduce((sum, length) => sum + length),
    );
  });

  it("are peeked: a head is copied, the rest listed", () => {
    const port = new RingPort(room, 64, 2048);
    for (const length of [...lengths, ...long]) {
      for (const headLimit of [0, 1, 64, 2048, 2049, 5000]) {
        const frame = frameOf(length, length + headLimit);
        assert.ok(port.transmit(frame));
        port.publishAll();
        const peeked = port.serverPeeks(headLimit);
        assert.ok(typeof peeked !== "number");
        same(peeked.frame, frame);
        const slots = Math.ceil(length / 2048);
        const whole = Math.min(slots, Math.floor(Math.min(headLimit, length) / 2048));
        assert.equal(peeked.spans, headLimit >= length ? 0 : slots - whole);
        port.publishAll();
      }
    }
  });

  it("fill the ring exactly, and find room again when slots are given back", () => {
    const port = new RingPort(room, 16, 2048);
    for (let i = 0; i < 16; i++) {
      assert.ok(port.transmit(frameOf(60, i)));
      assert.equal(port.put(frameOf(61, i)), 1);
    }
    assert.equal(port.transmit(frameOf(60, 16)), false);
    assert.equal(port.put(frameOf(60, 16)), 0);
    assert.equal(port.call("endFull", port.clientTransmit), 1);
    assert.equal(port.call("endFull", port.serverPut), 1);
    port.publishAll();
    for (let i = 0; i < 4; i++) {
      same(port.serverTakes(), frameOf(60, i));
      same(port.clientTakes(), frameOf(61, i));
    }
    assert.equal(port.transmit(frameOf(60, 16)), false, "not given back yet");
    port.publishAll();
    assert.equal(port.transmit(frameOf(5 * 2048, 16)), false, "five slots in four");
    assert.equal(port.put(frameOf(5 * 2048, 16)), 0);
    assert.ok(port.transmit(frameOf(4 * 2048, 16)));
    assert.equal(port.put(frameOf(4 * 2048, 16)), 1);
    port.publishAll();
    for (let i = 4; i < 16; i++) {
      same(port.serverTakes(), frameOf(60, i));
      same(port.clientTakes(), frameOf(61, i));
    }
    same(port.serverTakes(), frameOf(4 * 2048, 16));
    same(port.clientTakes(), frameOf(4 * 2048, 16));
  });

  it("go on where 16-bit indexes wrap", () => {
    const port = new RingPort(room, 16, 2048);
    const at = 0xfffa;
    for (const end of [port.clientTransmit, port.clientReceive, port.serverTake, port.serverPut]) {
      port.call("endMove", end, at);
    }
    port.setWord(port.forward, HEAD, at);
    port.setWord(port.forward, TAIL, at);
    port.setWord(port.back, HEAD, (at + 16) & 0xffff);
    port.setWord(port.back, TAIL, at);
    for (let i = 0; i < 40; i++) {
      const frame = frameOf(1 + ((i * 997) % 9000), i);
      assert.ok(port.transmit(frame));
      assert.equal(port.put(frame), 1);
      port.publishAll();
      same(port.serverTakes(), frame);
      same(port.clientTakes(), frame);
      port.publishAll();
    }
    assert.ok(port.word(port.forward, HEAD) < at);
    assert.equal(port.call("endFaults", port.serverTake) + port.call("endFaults", port.clientReceive), 0);
  });

  it("that are held keep their slots, released in any order", () => {
    const port = new RingPort(room, 16, 2048);
    for (let i = 0; i < 8; i++) assert.ok(port.transmit(frameOf(i === 3 ? 5000 : 60, i)));
    port.publishAll();
    const tickets: number[] = [];
    for (let i = 0; i < 8; i++) {
      assert.ok(typeof port.serverPeeks(32) !== "number");
      if (i !== 2) tickets.push(port.call("serverHold", port.serverTake));
    }
    const free = () => {
      port.publishAll();
      return port.word(port.forward, TAIL);
    };
    const release = (index: number) => port.call("serverRelease", port.serverTake, tickets[index] ?? -1);
    assert.equal(free(), 0);
    release(1);
    assert.equal(free(), 0);
    release(0);
    assert.equal(free(), 3, "0, 1 and 2, which was not held");
    release(3);
    assert.equal(free(), 3);
    release(2);
    assert.equal(free(), 7, "3, of three slots, and 4");
    for (const index of [6, 5, 4]) release(index);
    assert.equal(free(), 10);
    assert.equal(port.call("endHeld", port.serverTake), 0);
    assert.throws(() => release(4), WebAssembly.RuntimeError, "released twice");
  });
});

describe("a descriptor that breaks a rule", () => {
  const cases: [string, (port: RingPort) => void, number][] = [
    ["another region", (port) => port.describe(port.forward, 0, { region: 1 }), Fault.region],
    ["an offset behind the region", (port) => port.describe(port.forward, 0, { offset: port.regionSize }), 5],
    ["an offset near 4 GiB", (port) => port.describe(port.forward, 0, { offset: 0xffff_fff0 }), Fault.bounds],
    ["a length that leaves", (port) => port.describe(port.forward, 0, { length: port.regionSize }), 5],
    ["no bytes", (port) => port.describe(port.forward, 0, { length: 0 }), Fault.length],
  ];
  for (const [name, change, fault] of cases) {
    it(`costs the client its frame: ${name}`, () => {
      const port = new RingPort(room, 16, 2048);
      port.transmit(frameOf(60, 1));
      port.transmit(frameOf(70, 2));
      port.publishAll();
      change(port);
      assert.equal(port.serverTakes(), -1);
      assert.equal(port.call("endLastFault", port.serverTake), fault);
      assert.equal(port.call("endFaults", port.serverTake), 1);
      same(port.serverTakes(), frameOf(70, 2));
      assert.equal(port.call("endBroken", port.serverTake), 0);
    });
  }

  it("is the last bytes of the region at the most", () => {
    const port = new RingPort(room, 16, 2048);
    for (const length of [1, 64, 2048]) {
      port.transmit(frameOf(60, 1));
      port.publishAll();
      const index = port.call("endNext", port.serverTake);
      port.describe(port.forward, index, { offset: port.regionSize - length, length });
      assert.equal((port.serverTakes() as Uint8Array).length, length);
      port.publishAll();
      port.transmit(frameOf(60, 1));
      port.publishAll();
      port.describe(port.forward, index + 1, { offset: port.regionSize - length + 1, length });
      assert.equal(port.serverTakes(), -1);
      port.publishAll();
    }
  });

  it("a frame longer than its receiver takes is skipped", () => {
    const port = new RingPort(room, 64, 2048);
    for (const length of [100, 5000]) {
      assert.ok(port.transmit(frameOf(length, 1)));
      assert.ok(port.transmit(frameOf(64, 2)));
      port.publishAll();
      assert.equal(port.serverTakes(99), -1);
      assert.equal(port.call("endLastFault", port.serverTake), Fault.length);
      let next = port.serverTakes(99);
      while (next === -1) next = port.serverTakes(99);
      same(next, frameOf(64, 2));
      port.publishAll();
    }
    assert.equal(port.call("endFaults", port.serverTake), 2);
  });

  it("lengths of a chain do not wrap when they are added", () => {
    const port = new RingPort(room, 64, 2048);
    port.transmit(frameOf(3 * 2048, 1));
    port.publishAll();
    port.describe(port.forward, 1, { length: 0xffff_ff00, offset: 0 });
    assert.equal(port.serverPeeks(64), -1);
    assert.equal(port.call("endLastFault", port.serverTake), Fault.bounds);
    // As much as the region holds, again and again.
    port.transmit(frameOf(30 * 2048, 1));
    port.publishAll();
    for (let i = 0; i < 34; i++) port.describe(port.forward, i, { length: port.regionSize, offset: 0 });
    while (port.serverPeeks(64) === -1);
    assert.equal(port.call("endLastFault", port.serverTake), Fault.length);
  });

  it("a chain without end costs a bounded look a call, and all of it in the end", () => {
    const port = new RingPort(room, 128, 2048);
    for (let i = 0; i < 128; i++) port.transmit(frameOf(60, i));
    for (let i = 0; i < 128; i++) port.describe(port.forward, i, { flags: 1, length: 1 });
    port.publishAll();
    const seen: number[] = [];
    while (port.serverTakes() === -1) seen.push(port.call("endNext", port.serverTake));
    assert.deepEqual(seen, [CHAIN_MAX, 2 * CHAIN_MAX, 3 * CHAIN_MAX, 128]);
    assert.equal(port.call("endFaults", port.serverTake), 1);
    port.publishAll();
    // It ends here, and what follows is right again.
    port.transmit(frameOf(60, 1));
    port.transmit(frameOf(61, 2));
    port.publishAll();
    assert.equal(port.serverTakes(), -1);
    same(port.serverTakes(), frameOf(61, 2));
  });

  it("a chain that goes on where nothing was published is a fault", () => {
    const port = new RingPort(room, 16, 2048);
    port.transmit(frameOf(60, 1));
    port.describe(port.forward, 0, { flags: 1 });
    port.publishAll();
    assert.equal(port.serverTakes(), -1);
    assert.equal(port.call("endLastFault", port.serverTake), Fault.chain);
    assert.equal(port.serverTakes(), 0);
  });

  it("a chain of empty slots is a fault", () => {
    const port = new RingPort(room, 16, 2048);
    port.transmit(frameOf(3 * 2048, 1));
    for (let i = 0; i < 3; i++) port.describe(port.forward, i, { length: 0 });
    port.publishAll();
    assert.equal(port.serverTakes(), -1);
    assert.equal(port.call("endLastFault", port.serverTake), Fault.length);
    assert.equal(port.call("endNext", port.serverTake), 3);
  });

  it("the client reads its own buffers whatever an offset says, and no more than one holds", () => {
    const port = new RingPort(room, 16, 2048);
    port.put(frameOf(60, 1));
    port.put(frameOf(61, 2));
    port.publishAll();
    port.describe(port.back, 0, { offset: 0xffff_0000, region: 7 });
    port.describe(port.back, 1, { length: 2049 });
    same(port.clientTakes(), frameOf(60, 1));
    assert.equal(port.clientTakes(), -1);
    assert.equal(port.call("endLastFault", port.clientReceive), Fault.bounds);
    port.publishAll();
    assert.equal(port.descriptor(port.back, 1).length, 2048, "posted anew");
  });

  it("a posted buffer outside the region, or of no bytes, kills the ring before a byte is written", () => {
    const changes = [
      { offset: 0xffff_ff00 },
      { length: 0 },
      { region: 1 },
      { length: 0xffff_ffff },
      { length: 1 << 20 },
    ];
    for (const change of changes) {
      const port = new RingPort(room, 16, 2048);
      port.describe(port.back, 0, change);
      const old = new Uint8Array(room.memory.buffer).slice(port.region, port.region + port.regionSize);
      assert.equal(port.put(frameOf(60, 1)), -1);
      assert.equal(port.call("endBroken", port.serverPut), Fault.buffer);
      assert.equal(port.put(frameOf(60, 1)), -1);
      port.call("serverPutPublish", port.serverPut);
      const now = new Uint8Array(room.memory.buffer).slice(port.region, port.region + port.regionSize);
      assert.ok(Buffer.from(old).equals(Buffer.from(now)));
    }
  });

  it("a frame that posted buffers can never hold is refused, counted, and the ring lives", () => {
    const port = new RingPort(room, 128, 2048);
    for (let i = 0; i < 128; i++) port.describe(port.back, i, { length: 16 });
    assert.equal(port.put(frameOf(16 * CHAIN_MAX + 1, 1)), -1);
    assert.equal(port.call("endBroken", port.serverPut), 0);
    assert.equal(port.put(frameOf(16 * CHAIN_MAX, 1)), 1);
    // The first is large, which says nothing about the others.
    port.describe(port.back, CHAIN_MAX, { length: 2048 });
    assert.equal(port.put(frameOf(4096, 1)), -1);
    assert.equal(port.call("endFaults", port.serverPut), 2);
  });
});

describe("an index that jumps", () => {
  const jumps: [
    string,
    keyof Pick<RingPort, "serverTake" | "clientReceive" | "clientTransmit" | "serverPut">,
  ][] = [
    ["head of the client-to-server ring", "serverTake"],
    ["tail of the server-to-client ring", "clientReceive"],
    ["tail of the client-to-server ring", "clientTransmit"],
    ["head of the server-to-client ring", "serverPut"],
  ];
  for (const [name, which] of jumps) {
    it(`kills the ring: ${name}`, () => {
      const port = new RingPort(room, 16, 2048);
      const forward = which === "serverTake" || which === "clientTransmit";
      const ring = forward ? port.forward : port.back;
      const offset = which === "serverTake" || which === "serverPut" ? HEAD : TAIL;
      for (let i = 0; i < 3; i++) {
        port.transmit(frameOf(60, i));
        port.put(frameOf(60, i));
        port.publishAll();
        port.serverTakes();
        port.clientTakes();
        port.publishAll();
      }
      // Every index that is possible now, for this end: three were used.
      const base = which === "serverPut" ? 19 : 3;
      const room16 = which === "serverTake" || which === "clientReceive" ? 16 : 0;
      for (const value of [base + room16 + 1, base - 20, base + 0x8000, 0xffff]) {
        port.attach();
        for (const end of [port.serverTake, port.serverPut]) port.call("endMove", end, 3);
        port.call("endMove", port.serverPut, 0);
        port.call("ringReset", port[which]);
        port.call("endMove", port[which], 3);
        const old = port.word(ring, offset);
        assert.notEqual(port.call("ringHasRoom", port[which], 17), 1);
        assert.equal(port.call("endBroken", port[which]), 0);
        port.setWord(ring, offset, value & 0xffff);
        port.call("ringHasRoom", port[which], 17);
        assert.equal(port.call("endBroken", port[which]), Fault.index, `${value} after ${old}`);
        assert.equal(port.call("ringPending", port[which]), 0);
        assert.equal(port.call("ringAvailable", port[which]), 0);
        port.setWord(ring, offset, old);
        assert.equal(port.call("ringAvailable", port[which]), 0, "dead for good");
      }
    });
  }

  it("back by one, within the ring, is noticed too", () => {
    const port = new RingPort(room, 16, 2048);
    for (let i = 0; i < 4; i++) port.transmit(frameOf(60, i));
    port.publishAll();
    same(port.serverTakes(), frameOf(60, 0));
    port.setWord(port.forward, HEAD, 3);
    for (let i = 1; i < 4; i++) same(port.serverTakes(), frameOf(60, i));
    assert.equal(port.serverTakes(), 0);
    assert.equal(port.call("endBroken", port.serverTake), Fault.index);
  });
});

describe("waking", () => {
  it("a producer kicks a consumer that sleeps, and no other", () => {
    const port = new RingPort(room, 16, 2048);
    for (const [consumer, producer, send] of [
      [port.serverTake, port.clientTransmit, () => port.transmit(frameOf(60, 1))],
      [port.clientReceive, port.serverPut, () => port.put(frameOf(60, 1)) === 1],
    ] as const) {
      assert.equal(port.call("ringWantsKick", producer), 0);
      port.call("ringSleep", consumer);
      assert.equal(port.call("ringPending", consumer), 0);
      assert.equal(port.call("ringWantsKick", producer), 1);
      assert.ok(send());
      port.publishAll();
      assert.equal(port.call("ringPending", consumer), 1);
      port.call("ringAwake", consumer);
      assert.equal(port.call("ringWantsKick", producer), 0);
    }
  });

  it("a consumer kicks a producer that waits for room, once a quarter of the ring is free", () => {
    const port = new RingPort(room, 128, 2048);
    let sent = 0;
    while (port.transmit(frameOf(60, sent))) sent += 1;
    assert.equal(sent, 128);
    port.publishAll();
    port.call("ringAwaitRoom", port.clientTransmit);
    assert.equal(port.call("ringHasRoom", port.clientTransmit, 1), 0);
    let kicks = 0;
    for (let i = 0; i < 128; i++) {
      port.serverTakes();
      port.publishAll();
      if (port.call("ringWantsRoomKick", port.serverTake) === 1) {
        kicks += 1;
        assert.equal(i, 31);
        assert.equal(port.call("ringHasRoom", port.clientTransmit, 32), 1);
        port.call("ringRoomFound", port.clientTransmit);
      }
    }
    assert.equal(kicks, 1);
  });

  it("a kick for room comes whatever the size of the bursts that free it", () => {
    for (let burst = 1; burst <= 128; burst++) {
      const port = new RingPort(room, 128, 64);
      port.call("endMove", port.clientTransmit, burst * 7);
      port.call("endMove", port.serverTake, burst * 7);
      port.setWord(port.forward, HEAD, burst * 7);
      port.setWord(port.forward, TAIL, burst * 7);
      // All but the room of the longest frame: the emptiest ring that a producer may wait at.
      for (let i = 0; i < 128 - CHAIN_MAX + 1; i++) assert.ok(port.transmit(frameOf(60, i)));
      port.publishAll();
      assert.equal(port.call("ringHasRoom", port.clientTransmit, CHAIN_MAX), 0);
      port.call("ringAwaitRoom", port.clientTransmit);
      let kicked = false;
      while (port.call("ringPending", port.serverTake) === 1) {
        for (let i = 0; i < burst && typeof port.serverTakes() !== "number"; i++);
        port.publishAll();
        kicked ||= port.call("ringWantsRoomKick", port.serverTake) === 1;
      }
      assert.ok(kicked, `bursts of ${burst}`);
    }
  });
});

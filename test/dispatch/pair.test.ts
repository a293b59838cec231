import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { EINVAL } from "../../build/generated/node/system.js";
import { macOf } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { NIC_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.5", mac: macOf(5), directRings: true };
const B = { ip: "10.0.0.6", mac: macOf(6), directRings: true };
const C = { ip: "10.0.0.7", mac: macOf(7), directRings: true };
/** Frames that are not worth a ring yet. */
const FEW = 31;

function setUp(...identities: Parameters<Forwarder["open"]>[0][]): [Forwarder, ...TestVport[]] {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const vports = identities.map((identity) => f.open(identity));
  for (const v of vports) announce(v, "done");
  f.collect();
  return [f, ...vports];
}

/** Sends datagram-sized segments of a connection from one vport to another. */
function talk(f: Forwarder, from: TestVport, to: TestVport, frames: number): void {
  announce(to, "listen", { localPort: 80 });
  for (let i = 0; i < frames; i++) {
    from.client.send(
      segment({
        from: from.identity.ip,
        to: to.identity.ip,
        fromMac: from.identity.mac,
        toMac: to.identity.mac,
        sourcePort: 4000,
        destinationPort: 80,
        flags: "S",
      }),
    );
    f.collect();
    to.client.received();
  }
}

/** Pairs that were noted. */
function pairs(f: Forwarder): [number, number][] {
  const all: [number, number][] = [];
  for (let pair = f.doors.takePair(); pair >= 0; pair = f.doors.takePair())
    all.push([pair & 0xffff, pair >>> 16]);
  return all;
}

test("two programs that talk are noted once, after a while", () => {
  const [f, a, b] = setUp(A, B) as [Forwarder, TestVport, TestVport];
  talk(f, b, a, FEW);
  assert.equal(f.doors.takeNotice(), 0);
  assert.deepEqual(pairs(f), []);
  talk(f, b, a, 40);
  assert.deepEqual([f.doors.takeNotice(), f.doors.takeNotice()], [1, 0]);
  assert.deepEqual(pairs(f), [[a.id, b.id]]);
  talk(f, b, a, 40);
  assert.deepEqual(pairs(f), []);
  assert.equal(f.doors.pairAgain(a.id, b.id), 0);
  talk(f, b, a, 1);
  assert.deepEqual(pairs(f), [[a.id, b.id]]);
  assert.equal(f.counters().pairsNoted, 2);
});

test("nobody is noted who takes no part, or shares an address", () => {
  const [f, a, b, c] = setUp(A, { ...B, directRings: false }, C) as [Forwarder, ...TestVport[]] as [
    Forwarder,
    TestVport,
    TestVport,
    TestVport,
  ];
  talk(f, a, b, 100);
  talk(f, b, a, 100);
  assert.deepEqual(pairs(f), []);
  const second = f.open(C);
  announce(second, "done");
  talk(f, a, c, 100);
  assert.deepEqual(pairs(f), []);
  f.doors.vportClose(second.id, f.now);
  talk(f, a, c, 40);
  assert.deepEqual(pairs(f), [[a.id, c.id]]);
});

test("stacks of a process are noted each, also when they talk in turns; those of two are not", () => {
  const ofC = { ...C, key: 7 };
  const [f, a, first, second] = setUp(A, { ...ofC, stackIndex: 0 }, { ...ofC, stackIndex: 1 }) as [
    Forwarder,
    TestVport,
    TestVport,
    TestVport,
  ];
  announce(a, "listen", { localPort: 80 });
  const ends = { from: C.ip, to: A.ip, fromMac: C.mac, toMac: A.mac, destinationPort: 80 };
  const back = { from: A.ip, to: C.ip, fromMac: A.mac, toMac: C.mac, sourcePort: 80 };
  const stacks = [first, second];
  stacks.forEach(({ client }, i) => {
    client.send(segment({ ...ends, sourcePort: 4000 + i, flags: "S" }));
  });
  f.collect();
  for (let i = 0; i < 40; i++) {
    a.client.send(segment({ ...back, destinationPort: 4000 + (i % 2), flags: "A" }));
    f.collect();
    assert.equal(stacks[i % 2]?.client.received().length, 1);
  }
  const noted = pairs(f).map(([low, high]) => `${low} ${high}`);
  assert.deepEqual(noted.sort(), [`${a.id} ${first.id}`, `${a.id} ${second.id}`]);
  const stranger = f.open({ ...C, key: 8 });
  announce(stranger, "done");
  f.collect();
  for (const v of [first, second]) f.doors.pairAgain(a.id, v.id);
  talk(f, a, first, 100);
  assert.deepEqual(pairs(f), []);
});

test("a program is told which stack a frame is from when it has a ring to that one", () => {
  const flags = layout.PORT_FLAG_VNET_HEADER;
  const [f, a, b] = setUp({ ...A, key: 9, stackIndex: 2 }, { ...B, flags }) as [
    Forwarder,
    TestVport,
    TestVport,
  ];
  announce(b, "listen", { localPort: 80 });
  const sender = () => {
    a.client.send(
      segment({
        from: A.ip,
        to: B.ip,
        fromMac: A.mac,
        toMac: B.mac,
        sourcePort: 4000,
        destinationPort: 80,
        flags: "S",
      }),
    );
    f.collect();
    const [frame] = b.client.received();
    return new DataView((frame ?? assert.fail()).buffer, frame?.byteOffset).getUint16(4, true);
  };
  assert.equal(sender(), 0);
  assert.equal(f.doors.pairMade(a.id, b.id), 0);
  assert.equal(sender(), 3);
});

test("a request to who has a ring is refused as any other", () => {
  const [f, a, b] = setUp(A, B) as [Forwarder, TestVport, TestVport];
  assert.equal(f.doors.pairMade(a.id, b.id), 0);
  const ends = { from: A.ip, to: B.ip, fromMac: A.mac, toMac: B.mac, sourcePort: 4000, destinationPort: 81 };
  a.client.send(segment({ ...ends, flags: "S" }));
  f.collect();
  assert.equal(a.client.received().length, 1, "a reset");
});

test("what goes by a ring of their own is not reset as unknown until both could say what there is", () => {
  const [f, a, b] = setUp(A, B) as [Forwarder, TestVport, TestVport];
  const unknown = segment({
    from: A.ip,
    to: B.ip,
    fromMac: A.mac,
    toMac: B.mac,
    sourcePort: 4000,
    destinationPort: 80,
    flags: "A",
  });
  const answers = () => {
    a.client.send(unknown);
    f.collect();
    return a.client.received().length;
  };
  assert.equal(answers(), 1, "a reset");
  assert.equal(f.doors.pairMade(a.id, b.id), 0);
  assert.equal(answers(), 0);
  assert.equal(f.doors.pairEnded(a.id, b.id, f.now), 0);
  assert.equal(answers(), 0);
  f.pass(2_100_000);
  assert.equal(answers(), 1);
});

test("with the death of one nothing is left of the pair, and the other one's segments are answered", () => {
  const [f, a, b] = setUp(A, B) as [Forwarder, TestVport, TestVport];
  talk(f, a, b, 40);
  assert.equal(f.doors.pairMade(a.id, b.id), 0);
  f.doors.vportClose(b.id, f.now);
  assert.deepEqual(pairs(f), []);
  assert.equal(f.doors.pairMade(a.id, b.id), -EINVAL);
  assert.equal(f.doors.pairEnded(a.id, b.id, f.now), -EINVAL);
  assert.equal(f.doors.pairAgain(a.id, b.id), -EINVAL);
  a.client.received();
  const late = { fromMac: A.mac, toMac: B.mac, from: A.ip, to: B.ip, sourcePort: 4001, destinationPort: 80 };
  a.client.send(segment({ ...late, flags: "A", acknowledgement: 7 }));
  f.collect();
  assert.equal(a.client.received().length, 1, "a reset");
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { icmp, icmpRight, type Seen, toHex } from "../support/frames.js";
import { fromPeer, Lan } from "../support/lan.js";
import { Random } from "../support/random.js";

const SECOND = 1_000_000;

/** Fragments of a payload behind the IP header, cut at multiples of `size` (of eight) bytes. */
function cut(payload: Uint8Array, size: number, id = 7): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < payload.length; offset += size) {
    frames.push(part(payload, offset, Math.min(size, payload.length - offset), id));
  }
  return frames;
}

/** One fragment. */
function part(payload: Uint8Array, offset: number, length: number, id = 7): Uint8Array {
  const end = offset + length;
  const moreFragments = end < payload.length;
  return fromPeer({ protocol: 1, payload: payload.subarray(offset, end), id, offset, moreFragments });
}

/** Puts the fragments that the stack sent together again. */
function together(sent: readonly Seen[]): Uint8Array {
  const parts = sent.map((frame) => frame.ip).filter((ip) => ip !== undefined);
  const last = parts.find((ip) => !ip.moreFragments);
  assert.ok(last);
  const whole = new Uint8Array(last.offset + last.payload.length);
  let held = 0;
  for (const ip of parts) {
    assert.equal(ip.id, last.id);
    whole.set(ip.payload, ip.offset);
    held += ip.payload.length;
  }
  assert.equal(held, whole.length);
  return whole;
}

function echoOf(data: Uint8Array): Uint8Array {
  return icmp(8, 0, 0x00070001, data);
}

function assertReply(sent: readonly Seen[], data: Uint8Array): void {
  const reply = together(sent);
  assert.ok(icmpRight(reply));
  assert.equal(reply[0], 0);
  assert.deepEqual(reply.subarray(8), data);
}

function assertEmpty(lan: Lan): void {
  assert.equal(lan.used("reassembly"), 0);
  assert.equal(lan.used("buffer"), 0);
}

describe("reassembly", () => {
  it("puts fragments together in every order of five", () => {
    const lan = new Lan();
    lan.meet();
    const data = new Random(1).bytes(5 * 64 - 8 - 3);
    const frames = cut(echoOf(data), 64);
    assert.equal(frames.length, 5);
    const orders: number[][] = [[]];
    for (let i = 0; i < 5; i++) {
      const longer = orders.splice(0).flatMap((order) => {
        return [0, 1, 2, 3, 4].filter((next) => !order.includes(next)).map((next) => [...order, next]);
      });
      orders.push(...longer);
    }
    assert.equal(orders.length, 120);
    for (const order of orders) {
      assertReply(lan.give(...order.map((i) => frames[i] ?? new Uint8Array())), data);
    }
    assert.equal(lan.counter("ipReassembled"), 120);
    assert.deepEqual(lan.allDrops(), {});
    assertEmpty(lan);
  });

  it("puts many fragments of any size together, in orders drawn from a seed", () => {
    const lan = new Lan();
    lan.meet();
    const random = new Random(2);
    for (let round = 0; round < 60; round++) {
      const data = random.bytes(1 + random.below(9000));
      const size = 8 * (1 + random.below(200));
      const frames = cut(echoOf(data), size, round);
      assertReply(lan.give(...random.shuffled(frames)), data);
    }
    assert.deepEqual(lan.allDrops(), {});
    assertEmpty(lan);
  });

  it("answers an echo of 65507 bytes, fragmented both ways", () => {
    const lan = new Lan();
    lan.meet();
    const data = new Random(3).bytes(65507);
    const sent = lan.give(...cut(echoOf(data), 1480));
    assert.equal(sent.length, 45);
    assert.ok(sent.every((frame) => (frame.ip?.payload.length ?? 0) <= 1480));
    assertReply(sent, data);
    assertEmpty(lan);
  });

  it("puts a datagram of 65535 bytes together out of 8-byte fragments", () => {
    const lan = new Lan();
    lan.meet();
    const data = new Random(4).bytes(65507);
    const frames = new Random(5).shuffled(cut(echoOf(data), 8));
    assert.equal(frames.length, 8190);
    assertReply(lan.give(...frames), data);
    assertEmpty(lan);
  });

  it("refuses what no legal datagram has", () => {
    const lan = new Lan();
    const give = (offset: number, length: number, moreFragments: boolean) => {
      lan.give(fromPeer({ protocol: 1, payload: new Uint8Array(length), offset, moreFragments }));
    };
    lan.expectDrops({ fragmentMalformed: 4 }, () => {
      give(0, 0, true);
      give(8, 12, true);
      give(65512, 8, false);
      give(65528, 8, true);
    });
    assertEmpty(lan);
  });

  it("keeps datagrams apart by source, destination, protocol and identification", () => {
    const lan = new Lan();
    lan.meet();
    lan.meet(3);
    const data = new Random(6).bytes(100);
    const payload = echoOf(data);
    const half = { payload: payload.subarray(0, 56), offset: 0, moreFragments: true, protocol: 1 };
    const rest = { payload: payload.subarray(56), offset: 56, protocol: 1 };
    assert.deepEqual(lan.give(fromPeer({ ...half, id: 1 }), fromPeer({ ...rest, id: 2 })), []);
    assert.deepEqual(lan.give(fromPeer({ ...rest, id: 1, source: "10.0.0.3" })), []);
    assert.deepEqual(lan.give(fromPeer({ ...rest, id: 1, protocol: 17 })), []);
    assert.equal(lan.used("reassembly"), 4);
    assertReply(lan.give(fromPeer({ ...rest, id: 1 })), data);
    assert.equal(lan.used("reassembly"), 3);
  });
});

describe("overlaps and duplicates (RFC 5722, RFC 8200 section 4.5)", () => {
  const data = new Random(7).bytes(992);
  const payload = echoOf(data);

  it("ignores exact duplicates", () => {
    const lan = new Lan();
    lan.meet();
    lan.expectDrops({ duplicate: 3 }, () => {
      lan.give(part(payload, 200, 200), part(payload, 200, 200), part(payload, 800, 200));
      lan.give(part(payload, 800, 200), part(payload, 200, 200), part(payload, 400, 400));
      assertReply(lan.give(part(payload, 0, 200)), data);
    });
    assertEmpty(lan);
  });

  it("gives a datagram up, with its later fragments, on any overlap", () => {
    const overlaps: [number, number][] = [
      [192, 208],
      [200, 208],
      [208, 192],
      [200, 192],
      [208, 8],
      [392, 16],
      [0, 600],
      [200, 800],
    ];
    for (const [offset, length] of overlaps) {
      const lan = new Lan();
      lan.meet();
      lan.give(part(payload, 200, 200));
      lan.expectDrops({ fragmentOverlap: 1 }, () => lan.give(part(payload, offset, length)));
      assert.equal(lan.used("buffer"), 0);
      lan.expectDrops({ fragmentOverlap: 3 }, () => {
        const sent = lan.give(part(payload, 0, 200), part(payload, 200, 200), part(payload, 400, 600));
        assert.deepEqual(sent, []);
      });
      lan.expectDrops({}, () => assert.deepEqual(lan.wait(30 * SECOND), []));
      assertEmpty(lan);
    }
  });

  it("takes a duplicate with other content for an overlap", () => {
    const lan = new Lan();
    lan.give(part(payload, 200, 200));
    const other = payload.slice();
    other[300] = (other[300] ?? 0) ^ 1;
    lan.expectDrops({ fragmentOverlap: 1 }, () => lan.give(part(other, 200, 200)));
  });

  it("takes two fragments for an overlap of one that spans both", () => {
    const lan = new Lan();
    lan.give(part(payload, 200, 200), part(payload, 400, 200));
    lan.expectDrops({ fragmentOverlap: 1 }, () => lan.give(part(payload, 200, 400)));
  });

  it("gives a datagram up that has two ends, or bytes behind its end", () => {
    const shorter = payload.subarray(0, 808);
    const lan = new Lan();
    lan.give(part(payload, 800, 200));
    lan.expectDrops({ fragmentOverlap: 1 }, () => lan.give(part(shorter, 600, 208)));
    const fragments = [part(shorter, 600, 208), part(new Uint8Array(2000), 1000, 200)];
    for (const order of [fragments, fragments.toReversed()]) {
      const beyond = new Lan();
      beyond.give(order[0] ?? new Uint8Array());
      beyond.expectDrops({ fragmentOverlap: 1 }, () => beyond.give(order[1] ?? new Uint8Array()));
    }
  });
});

describe("limits of reassembly", () => {
  const payload = echoOf(new Random(8).bytes(1592));

  it("gives up after 30 s and tells the sender, if the first fragment arrived", () => {
    const lan = new Lan();
    lan.meet();
    const first = part(payload, 0, 800);
    lan.give(first);
    assert.deepEqual(lan.wait(29.9 * SECOND), []);
    assert.equal(lan.used("reassembly"), 1);
    lan.meet();
    lan.expectDrops({ fragmentTimeout: 1 }, () => {
      const sent = lan.wait(0.2 * SECOND);
      assert.equal(sent.length, 1);
      const message = sent[0]?.ip?.payload ?? new Uint8Array();
      assert.ok(icmpRight(message));
      assert.deepEqual([...message.subarray(0, 2)], [11, 1]);
      assert.equal(toHex(message.subarray(8)), toHex(first.subarray(14, 14 + 28)));
    });
    assertEmpty(lan);
  });

  it("says nothing about a datagram whose first fragment is missing", () => {
    const lan = new Lan();
    lan.meet();
    lan.give(part(payload, 800, 800));
    lan.expectDrops({ fragmentTimeout: 1 }, () => assert.deepEqual(lan.wait(31 * SECOND), []));
    assertEmpty(lan);
  });

  it("reassembles at most sixteen datagrams of one source, losing its oldest", () => {
    const lan = new Lan();
    lan.meet();
    for (let id = 0; id < 16; id++) lan.give(part(payload, 0, 800, id));
    lan.give(
      fromPeer({ protocol: 1, payload: payload.subarray(0, 800), moreFragments: true, source: "10.0.0.9" }),
    );
    lan.expectDrops({ fragmentNoRoom: 1 }, () => lan.give(part(payload, 0, 800, 16)));
    assert.equal(lan.used("reassembly"), 17);
    assert.equal(lan.give(part(payload, 800, 800, 1)).length, 2);
    assert.deepEqual(lan.give(part(payload, 800, 800, 0)), []);
  });

  it("lets fragments have no more than an eighth of all buffers", () => {
    const lan = new Lan();
    const share = Math.floor(lan.capacity("buffer") / 8);
    for (let i = 0; lan.drops("fragmentNoRoom") === 0; i++) {
      assert.ok(i < 2 * share);
      const source = `10.0.${1 + (i >> 8)}.${i & 255}`;
      lan.give(fromPeer({ protocol: 1, payload: new Uint8Array(1480), moreFragments: true, source }));
      assert.ok(lan.used("buffer") <= share);
    }
    assert.ok(lan.used("buffer") >= share - 1);
    lan.wait(31 * SECOND, SECOND);
    assertEmpty(lan);
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openRoom, type Room } from "../../support/room.js";

const NEVER = 0xffff_ffff_ffff_ffffn;
let room: Room;

before(async () => {
  room = await openRoom("test/stack/rooms/wheel.room.ts");
});

function next(): bigint {
  return BigInt.asUintN(64, room.next?.() as bigint);
}

/** Takes everything that has expired at `now`. */
function expire(now: bigint): number[] {
  const fired: number[] = [];
  for (;;) {
    const index = room.expire?.(now) as number;
    if (index < 0) return fired;
    fired.push(index);
  }
}

/** A small deterministic generator. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("timer wheel", () => {
  it("is empty at first and never wants to run", () => {
    room.reset?.(5_000_000n);
    assert.equal(next(), NEVER);
    assert.deepEqual(expire(900_000_000n), []);
  });

  it("fires at its time, not before, and once", () => {
    room.reset?.(0n);
    room.set?.(1, 7_500n);
    assert.ok(next() <= 8_000n);
    assert.deepEqual(expire(7_499n), []);
    assert.deepEqual(expire(8_000n), [1]);
    assert.deepEqual(expire(9_000_000n), []);
  });

  it("is moved earlier and later by setting again, and stopped", () => {
    room.reset?.(0n);
    room.set?.(1, 50_000n);
    room.set?.(1, 10_000n);
    room.set?.(2, 10_000n);
    room.set?.(2, 400_000_000n);
    room.set?.(3, 10_000n);
    room.stop?.(3);
    assert.deepEqual(expire(20_000n), [1]);
    assert.deepEqual(expire(399_000_000n), []);
    assert.deepEqual(expire(400_002_000n), [2]);
  });

  it("agrees with a sorted list over random operations, and nextDeadline is never late", () => {
    const random = generator(7);
    const spans = [300, 3_000, 60_000, 2_000_000, 90_000_000, 3_000_000_000, 200_000_000_000];
    let now = 123_456_789n;
    room.reset?.(now);
    const model = new Map<number, bigint>();
    for (let step = 0; step < 60_000; step++) {
      const index = random(200);
      const action = random(10);
      if (action < 6) {
        const at = now + BigInt(random(spans[random(spans.length)] as number));
        room.set?.(index, at);
        model.set(index, at);
      } else if (action < 8) {
        room.stop?.(index);
        model.delete(index);
      } else {
        const earliest = [...model.values()].reduce((a, b) => (a < b ? a : b), NEVER);
        if (earliest === NEVER) assert.equal(next(), NEVER);
        else assert.ok(next() <= (earliest < now ? now : earliest) + 2_000n, "deadline reported too late");
        now += BigInt(random(spans[random(5)] as number));
        for (const fired of expire(now)) {
          const at = model.get(fired);
          assert.ok(at !== undefined && at <= now, `timer ${fired} fired too early`);
          model.delete(fired);
        }
        for (const [index, at] of model) assert.ok(at + 2_000n > now, `timer ${index} is late`);
      }
    }
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openRoom, type Room } from "../../support/room.js";

const CAPACITY = 100;
const BUFFER_SIZE = 2048;
let room: Room;

function call(name: string, ...args: number[]): number {
  const door = room[name];
  assert.ok(door, `no function ${name}`);
  return Number(door(...args));
}

before(async () => {
  room = await openRoom("test/stack/rooms/memory.room.ts");
});

describe("pool", () => {
  it("hands out every object once, refuses the next one, and counts that", () => {
    call("layOut", CAPACITY);
    const taken = new Set<number>();
    for (let i = 0; i < CAPACITY; i++) taken.add(call("take"));
    assert.equal(taken.size, CAPACITY);
    assert.ok(!taken.has(0));
    assert.equal(call("take"), 0);
    assert.equal(call("take"), 0);
    assert.equal(call("exhausted"), 2);
    assert.equal(call("used"), CAPACITY);
  });

  it("touches memory only when it is needed", () => {
    call("layOut", CAPACITY);
    const first = call("take");
    call("give", first);
    for (let i = 0; i < 50; i++) call("give", call("take"));
    assert.equal(call("touched"), 1);
  });

  it("names objects by index and knows none that was never taken", () => {
    call("layOut", CAPACITY);
    const objects = [call("take"), call("take"), call("take")];
    objects.forEach((object, i) => {
      assert.equal(call("index", object), i);
      assert.equal(call("at", i), object);
    });
    assert.equal(call("at", 3), 0);
    assert.equal(call("at", 0xffff_ffff), 0);
  });

  it("traps when more is given back than was taken", () => {
    call("layOut", CAPACITY);
    const object = call("take");
    call("give", object);
    assert.throws(() => call("give", object), WebAssembly.RuntimeError);
  });
});

describe("buffers", () => {
  it("have data areas that neither overlap nor leave their cache lines", () => {
    call("layOut", CAPACITY);
    const areas = Array.from({ length: CAPACITY }, () => call("dataOf", call("takeBuffer")));
    areas.sort((a, b) => a - b);
    areas.forEach((area, i) => {
      assert.equal(area % 64, 0);
      if (i > 0) assert.ok(area - (areas[i - 1] as number) >= BUFFER_SIZE);
    });
  });

  it("chain as many as a copy needs, and keep nothing when they run out", () => {
    call("layOut", 4);
    const source = 0x180000;
    new Uint8Array(room.memory.buffer, source, 7000).forEach((_, i, bytes) => {
      bytes[i] = i % 251;
    });
    const head = call("copyIn", source, 7000);
    const copied: number[] = [];
    for (let at = head; at !== 0; at = call("nextOf", at)) {
      copied.push(...new Uint8Array(room.memory.buffer, call("dataOf", at), call("lengthOf", at)));
    }
    assert.deepEqual(copied, [...new Uint8Array(room.memory.buffer, source, 7000)]);
    assert.equal(call("copyIn", source, 100), 0);
    assert.equal(call("used"), 4);
    call("giveChain", head);
    assert.equal(call("free"), 4);
    assert.equal(call("copyIn", source, 9000), 0);
    assert.equal(call("free"), 4);
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openRoom, type Room } from "../../support/room.js";

let room: Room;

function call(name: string, ...args: number[]): number {
  const door = room[name];
  assert.ok(door, `no function ${name}`);
  return Number(door(...args));
}

before(async () => {
  room = await openRoom("test/stack/rooms/send-queue.room.ts");
});

describe("acknowledged buffers of the send queue", () => {
  it("are free at once when no frame waits", () => {
    call("open", 1);
    call("write", 5000);
    assert.equal(call("used"), 3);
    call("acknowledge", 5000);
    assert.equal(call("used"), 0);
  });

  it("go with the youngest frame that waits", () => {
    call("open", 1);
    call("write", 1000);
    call("send", 0, 1000);
    call("sendOther", 0);
    call("acknowledge", 1000);
    call("done", 0, 1);
    assert.equal(call("used"), 1);
    call("done", 0, 1);
    assert.equal(call("used"), 0);
  });

  for (const first of [0, 1, 2]) {
    it(`stay for the frames of every port, of which port ${first} is done first`, () => {
      for (const holder of [0, 1, 2]) {
        call("open", 3);
        call("write", 3000);
        for (const port of [0, 1, 2]) {
          if (port === holder) call("send", port, 3000);
          else call("sendOther", port);
        }
        call("acknowledge", 3000);
        call("done", first, 1);
        assert.equal(call("used"), 2);
        for (const port of [0, 1, 2]) {
          if (port === first) continue;
          assert.equal(call("used"), 2);
          call("done", port, 1);
        }
        assert.equal(call("used"), 0);
      }
    });
  }
});

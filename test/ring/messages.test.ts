/** The messages of the registration and the announcements: shapes, and what is known as one. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { openRoom, type Room } from "../support/room.js";
import { RingPort } from "./port.js";

let room: Room;

before(async () => {
  room = await openRoom("test/ring/rooms/ring.room.ts", 64);
});

describe("messages", () => {
  const AT = 0x20000;

  it("of the registration have their shapes, and are known by magic, version, kind and size", () => {
    const port = new RingPort(room, 16, 2048);
    const shape = [0, 1, 2, 3, 4, 5, 6, 7].map((what) => port.call("registrationShape", what));
    assert.deepEqual(shape, [96, 40, 216, 32, 88, 32, 12, 56]);
    for (const kind of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      const size = port.call("registrationBegin", AT, kind);
      assert.equal(size, kind <= 3 ? shape[kind - 1] : 72);
      assert.equal(Buffer.from(room.memory.buffer, AT, 4).toString(), "GZLT");
      assert.equal(port.call("registrationKind", AT, size), kind);
      assert.equal(port.call("registrationKind", AT, size - 1), 0);
      assert.equal(port.call("registrationKind", AT, size + 1), 0);
      for (const offset of [0, 4, 6, 8]) {
        const old = port.view.getUint8(AT + offset);
        port.view.setUint8(AT + offset, old ^ 0x10);
        assert.equal(port.call("registrationKind", AT, size), 0, `byte ${offset}`);
        port.view.setUint8(AT + offset, old);
      }
    }
    assert.equal(port.call("registrationBegin", AT, 11), 0);
    assert.equal(port.call("registrationKind", AT, 15), 0);
  });

  it("announcements are known by magic, version and kind", () => {
    const port = new RingPort(room, 16, 2048);
    for (let kind = 1; kind <= 8; kind++) {
      assert.equal(port.call("announcementMake", AT, kind), AT);
      assert.equal(port.call("announcementFind", AT, 56), AT);
      assert.equal(port.call("announcementFind", AT, 1500), AT);
      assert.equal(port.call("announcementFind", AT, 55), 0);
    }
    for (const [offset, value] of [
      [0, 1],
      [2, 2],
      [3, 0],
      [3, 9],
    ] as const) {
      port.call("announcementMake", AT, 1);
      port.view.setUint8(AT + offset, value);
      assert.equal(port.call("announcementFind", AT, 56), 0);
    }
  });
});

/** The table of a module's doors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { doorsHeader, parseDoors } from "../../scripts/build/generate-doors.js";

const header = `
void wasm2c_room_instantiate(w2c_room*, struct w2c_env*);
/* export: 'open' */
u32 w2c_room_open(w2c_room*, u32, u64);
void w2c_room_close(w2c_room*);
u64 w2c_room_next(w2c_room*);
u32 w2c_other_open(w2c_other*, u32);
`;

test("doors are found with their arguments, other functions are not", () => {
  assert.deepEqual(parseDoors(header, "room"), [
    { name: "open", answers: true, arguments: ["u32", "u64"] },
    { name: "close", answers: false, arguments: [] },
    { name: "next", answers: true, arguments: [] },
  ]);
});

test("each door is called with its arguments and answers a word", () => {
  const text = doorsHeader(parseDoors(header, "room"), "room");
  assert.match(text, /return w2c_room_open\(m, \(u32\)a\[0\], \(u64\)a\[1\]\);/);
  assert.match(text, /w2c_room_close\(m\);\n {4}return 0;/);
  assert.match(text, /\{ "open", 2, gz_door_open \},/);
});

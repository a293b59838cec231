import assert from "node:assert/strict";
import { test } from "node:test";
import { STRUCTS } from "../../build/generated/node/structs.js";
import { readObject } from "../../ctl/struct.js";
import { parseDeclarations } from "../../scripts/build/generate-structs.js";

const SOURCE = `
/** One. */
export enum Kind {
  /** none; */
  none,
  some = 0x10,
  more,
}

@unmanaged
export class Base {
  next: usize;
}

@unmanaged
class Thing extends Base {
  /** A comment: with; all of it. */
  kind: Kind;
  flag: bool; // at the end
  wide: u64;
}
`;

test("classes and enums are read with their fields, bases and values", () => {
  const { classes, enums } = parseDeclarations(SOURCE, "a.ts");
  assert.deepEqual(classes.get("Thing"), {
    base: "Base",
    fields: [
      ["kind", "u32"],
      ["flag", "u8"],
      ["wide", "u64"],
    ],
  });
  assert.deepEqual(enums.get("Kind"), { none: 0, some: 16, more: 17 });
});

test("a field that cannot be read is an error", () => {
  const wrong = SOURCE.replace("wide: u64;", "wide: u64 = 5;");
  assert.throws(() => parseDeclarations(wrong, "a.ts"), /a\.ts: class Thing: not a plain field: wide/);
});

test("an object is read field by field, whatever its bytes", () => {
  const block = Buffer.alloc(STRUCTS.Flow.size + 8, 0xff);
  block.writeUInt16LE(6379, 8 + STRUCTS.Flow.fields.localPort.at);
  const flow = readObject("Flow", block, 8);
  assert.equal(flow.localPort, 6379);
  assert.equal(flow.link, 2n ** 64n - 1n);
  assert.equal(flow.protocol, 255);
  assert.equal(STRUCTS.Flow.size, 64);
});

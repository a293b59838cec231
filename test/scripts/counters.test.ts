import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCounters } from "../../scripts/build/generate-counters.js";

const SOURCE = `import { a } from "./a";

/** What is counted. */
export enum Counter {
  /** The first. */
  first,

  /** The second (RFC 1). */
  second,
  count,
}

export enum Reason {
  /** Why. */
  why,
}
`;

test("members get their index and their comment, the end marker none", () => {
  assert.deepEqual(parseCounters(SOURCE, "a.ts"), [
    { enum: "Counter", name: "first", index: 0, doc: "The first." },
    { enum: "Counter", name: "second", index: 1, doc: "The second (RFC 1)." },
    { enum: "Reason", name: "why", index: 0, doc: "Why." },
  ]);
});

test("a member without a comment is an error", () => {
  assert.throws(
    () => parseCounters(SOURCE.replace("  /** Why. */\n", ""), "a.ts"),
    /a\.ts: enum Reason: .*why/,
  );
});

test("a member with a value of its own is an error", () => {
  assert.throws(() => parseCounters(SOURCE.replace("why,", "why = 3,"), "a.ts"), /why = 3/);
});

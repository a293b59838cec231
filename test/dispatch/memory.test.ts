/** The memory that docs/ltran.md says flows and stacks take. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { inRoot } from "../../scripts/build/paths.js";
import { Forwarder } from "./support/forwarder.js";

const MIB = 1 << 20;
const document = readFileSync(inRoot("docs", "ltran.md"), "utf8");

/** Whole numbers of a table's cell. */
function numbers(text: string): number[] {
  return [...text.matchAll(/\d[\d,]*\d|\d/g)].map(([digits]) => Number(digits.replaceAll(",", "")));
}

/** The second cell of the row that begins with `first`. */
function cell(first: string): string {
  const row = document.split("\n").find((line) => line.startsWith(`| ${first}`));
  assert.ok(row !== undefined, first);
  return row.split("|")[2] ?? "";
}

test("flows for which there is room", () => {
  const room = numbers(cell("`memory` 32, 64, 256, 2048 MiB"));
  for (const [index, mebibytes] of [32, 64, 256].entries()) {
    assert.equal(new Forwarder(mebibytes * MIB).room(dispatch.POOL_FLOW), room[index], `${mebibytes} MiB`);
  }
});

test("bytes of a flow: what more memory has more room for", () => {
  const more = new Forwarder(256 * MIB).room(dispatch.POOL_FLOW);
  const less = new Forwarder(64 * MIB).room(dispatch.POOL_FLOW);
  const [bytes] = numbers(cell("flow |"));
  assert.equal(Math.round(((256 - 64) * MIB) / (more - less)), bytes);
});

test("bytes of a stack", () => {
  const marks = dispatch.VPORT_SLOTS_MAX * 2;
  const [bytes] = numbers(cell("stack in ltran's tables"));
  assert.equal(dispatch.VPORT_STRIDE + dispatch.VPORT_COUNTERS_STRIDE + marks, bytes);
});

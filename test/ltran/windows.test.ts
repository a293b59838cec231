/** Addresses for clients' memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Windows } from "../../ltran/daemon/windows.js";

const page = 4096;

test("pieces do not overlap, and none reaches beyond the end", () => {
  const windows = new Windows(1, 5 * page);
  assert.equal(windows.take(page + 1), page);
  assert.equal(windows.take(1), 3 * page);
  assert.equal(windows.take(page + 1), null);
  assert.equal(windows.take(page), 4 * page);
  assert.equal(windows.take(1), null);
});

test("whatever the order in which pieces come back, they become one again", () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [0, 2, 1],
    [2, 0, 1],
  ]) {
    const windows = new Windows(page, 4 * page);
    const pieces = [windows.take(page), windows.take(page), windows.take(page)];
    for (const index of order) windows.give(pieces[index] ?? 0, page);
    assert.equal(windows.take(3 * page), page, `order ${order}`);
  }
});

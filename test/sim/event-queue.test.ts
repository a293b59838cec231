import assert from "node:assert/strict";
import { test } from "node:test";
import { EventQueue } from "../../sim/event-queue.js";
import { Random } from "../../sim/random.js";

test("events run by time, those of one time in the order in which they were scheduled", () => {
  const random = new Random(5n);
  const queue = new EventQueue();
  const ran: [number, number][] = [];
  for (let i = 0; i < 2000; i++) {
    const time = random.below(100);
    queue.at(time, () => ran.push([queue.now, i]));
  }
  while (queue.step());
  assert.equal(ran.length, 2000);
  const sorted = [...ran].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assert.deepEqual(ran, sorted);
});

test("an event may schedule others now and later, never in the past", () => {
  const queue = new EventQueue();
  const ran: string[] = [];
  queue.at(10, () => {
    ran.push("first");
    queue.after(0, () => ran.push("same time"));
    queue.after(5, () => ran.push("later"));
    assert.throws(() => queue.at(9, () => {}), /event at 9 us, but it is 10 us/);
  });
  queue.at(12, () => ran.push("between"));
  assert.equal(queue.nextTime(), 10);
  while (queue.step());
  assert.deepEqual(ran, ["first", "same time", "between", "later"]);
  assert.equal(queue.nextTime(), Number.POSITIVE_INFINITY);
});

/** ltran's log while clients bring about more messages than anybody would read. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { BoundedLog } from "../../ltran/daemon/bounded-log.js";

test("twenty lines in ten seconds, then how many were left out", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const lines: string[] = [];
  const log = new BoundedLog((text) => lines.push(text));
  for (let number = 0; number < 1_000; number++) log.say(`refused ${number}`);
  assert.deepEqual(
    lines,
    Array.from({ length: 20 }, (_, number) => `refused ${number}`),
  );
  mock.timers.tick(9_999);
  assert.equal(lines.length, 20);
  mock.timers.tick(1);
  assert.deepEqual(lines.splice(0).at(-1), "980 more messages about clients were left out");
  log.say("refused again");
  assert.deepEqual(lines.splice(0), ["refused again"]);
  mock.timers.tick(20_000);
  assert.deepEqual(lines, [], "nothing was left out");
  for (let number = 0; number < 21; number++) log.say("refused");
  log.end();
  assert.equal(lines.at(-1), "1 more messages about clients were left out");
  mock.timers.reset();
});

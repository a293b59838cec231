/** The files of an ltran. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leave, type Place } from "../../ltran/daemon/place.js";

test("who leaves removes his own sockets only, and the folder when it is empty", () => {
  const folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-place-`));
  const [client, control] = [join(folder, "client.sock"), join(folder, "cmd.sock")];
  for (const path of [client, control]) writeFileSync(path, "");
  const place = { folder, client, control } as Place;
  leave(place, [control]);
  assert.deepEqual([existsSync(client), existsSync(control)], [true, false]);
  leave(place, [client, control]);
  assert.ok(!existsSync(folder));
});

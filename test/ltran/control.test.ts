/** Asking an ltran: its answers may be long. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { askControl } from "../../ctl/control-socket.js";
import { serveControl } from "../../ltran/daemon/control.js";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-control-`));
});
after(() => rmSync(folder, { recursive: true }));

test("what an ltran with as many stacks as there can be says of them is read to its end", async () => {
  const path = join(folder, "ltran_cmd.sock");
  const drops = Object.fromEntries(
    Array.from({ length: 29 }, (_, i) => [`aReasonWithAName${i}`, 2 ** 48 + i]),
  );
  const instances = Array.from({ length: 256 }, (_, pid) => ({ pid, stacks: [{ drops }] }));
  const server = await serveControl(path, { instances: () => ({ instances }) });
  try {
    const { head } = await askControl(path, "instances");
    assert.deepEqual((head as { instances?: unknown }).instances, instances);
  } finally {
    server.close();
  }
});

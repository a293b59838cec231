/** The forwarding module as the daemon sees it, with the addon replaced. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import type { DaemonConfig } from "../../ltran/daemon/config.js";
import { Forwarder } from "../../ltran/daemon/forwarder.js";
import type { Native } from "../../ltran/daemon/native.js";

const EIO = 5;

test("a module that has trapped says nothing to the kernel, and ltran still ends in order", () => {
  let answer = 0;
  const native = { create: () => 0, door: () => answer } as unknown as Native;
  const forwarder = new Forwarder(native, { memoryBytes: 32 << 20, scanInterval: 1 } as DaemonConfig);
  answer = -EIO;
  for (let again = 0; again < 2; again++) {
    const { message } = forwarder.kernelMessage(
      dispatch.KERNEL_STEP_FORGET,
      Buffer.alloc(dispatch.KERNEL_AREA_SIZE),
    );
    assert.equal(message.length, 0);
  }
});

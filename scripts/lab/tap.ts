/** A lab whose wire is a TAP device: DPDK makes it at the server's end, and we hand it to the client. */
import { pause, waitUntil } from "./command.js";
import type { Lab } from "./lab.js";
import { moveClientAddress } from "./lab.js";
import { isDeviceUp } from "./namespaces.js";
import type { Program } from "./program.js";

/** The name that the configuration gives to DPDK's device. */
export const tapDevice = "gztap0";

const appearanceTimeoutMs = 10_000;

/** The driver asks its device for this and that once more after it has set it up. */
const settlePauseMs = 200;

/**
 * Waits until the server has made and started its TAP device, and makes that the client's interface. The
 * device stays bound to the server's descriptors when it moves to the other namespace.
 * @throws Error with the server's output when the device does not appear within 10 s.
 */
export async function connectTap(lab: Lab, server: Program): Promise<void> {
  const isUp = () => isDeviceUp(lab.serverNamespace, tapDevice);
  await waitUntil(() => server.result() !== undefined || isUp(), appearanceTimeoutMs);
  if (!isUp()) {
    throw new Error(`the server made no device ${tapDevice}:\n${server.output().slice(-4_000)}`);
  }
  await pause(settlePauseMs);
  moveClientAddress(lab, tapDevice);
}

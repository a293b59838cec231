/** A lab whose wire is a TAP device: DPDK makes it at the server's end, and we hand it to the client. */
import { waitUntil } from "./command.js";
import type { Lab } from "./lab.js";
import { moveClientAddress } from "./lab.js";
import { namespaceHas } from "./namespaces.js";
import type { Program } from "./program.js";

/** The name that the configuration gives to DPDK's device. */
export const tapDevice = "gztap0";

const appearanceTimeoutMs = 10_000;

/**
 * Waits until the server has made its TAP device, and makes that the client's interface. The device stays
 * bound to the server's descriptors when it moves to the other namespace.
 * @throws Error with the server's output when the device does not appear within 10 s.
 */
export async function connectTap(lab: Lab, server: Program): Promise<void> {
  const appeared = () => server.result() !== undefined || namespaceHas(lab.serverNamespace, tapDevice);
  await waitUntil(appeared, appearanceTimeoutMs);
  if (!namespaceHas(lab.serverNamespace, tapDevice)) {
    throw new Error(`the server made no device ${tapDevice}:\n${server.output().slice(-4_000)}`);
  }
  moveClientAddress(lab, tapDevice);
}

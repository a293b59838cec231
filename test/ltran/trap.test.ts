/** A trap of the forwarding module: everybody learns of it, nobody falls over it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as layout from "../../build/generated/node/registration-layout.js";
import type { DaemonConfig } from "../../ltran/daemon/config.js";
import { Forwarder } from "../../ltran/daemon/forwarder.js";
import { readRegister } from "../../ltran/daemon/message.js";
import { loadNative, NativeEvent } from "../../ltran/daemon/native.js";
import { Refusal } from "../../ltran/daemon/refusal.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { message } from "./client.js";

const config: DaemonConfig = {
  bonds: [{ mac: "02:00:00:00:00:01", devices: [], ports: [] }],
  bondMode: 1,
  dpdk: null,
  miimon: 100,
  mtu: 1_500,
  receiveSlots: 512,
  forwardCpu: -1,
  isLowPower: true,
  maxClients: 1,
  subnet: "10.77.0.0",
  subnetHostBits: 8,
  subnet6: null,
  allowUids: [],
  allowGids: [],
  allowVlans: [],
  hasDirectRings: false,
  addressUids: [],
  memifClients: new Map(),
  rateLimit: { packets: 0, megabits: 0 },
  memoryBytes: 64 << 20,
  scanInterval: 600,
  prefix: "",
  kernelDevice: null,
};

function isEnding(error: unknown): boolean {
  return error instanceof Refusal && error.code === layout.REFUSAL_ENDING;
}

test("whoever asks afterwards is told that ltran ends, and the end is on its way", async () => {
  const native = loadNative();
  after(() => native.stop());
  const forwarder = new Forwarder(native, config);
  const events: number[] = [];
  native.events((event) => events.push(event), 1_000);
  forwarder.start(false);
  // The thread sleeps for ever: there is no NIC.
  await waitUntil(() => false, 200);
  const noSuchNic = BigUint64Array.from([99n, 1n, 0n]);
  assert.equal(native.door("nicLink", noSuchNic, new BigUint64Array(1), 0, new Uint8Array()), -5);
  assert.ok(await waitUntil(() => events.includes(NativeEvent.trap), 1_000), "nobody is told of the trap");
  assert.equal(forwarder.isActive(0), false);
  forwarder.closeVport({ id: 0, address: 0, size: 0 });
  const wanted = readRegister(message({}));
  const files = { memory: -1, toClient: -1, toLtran: -1, pid: process.pid };
  assert.throws(() => forwarder.openVport(wanted, files, { packets: 0, megabits: 0 }), isEnding);
});

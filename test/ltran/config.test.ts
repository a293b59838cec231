/** What the process ltran takes from a checked configuration. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LtranConfig } from "../../ctl/ltran-config.js";
import { daemonConfig } from "../../ltran/daemon/config.js";

const minimal = {
  portKind: "packet",
  devices: ["eth0", "eth1", "eth2"],
  bondPorts: [5],
  bondMacs: ["02:00:00:00:00:01"],
  memory: 256,
} as unknown as LtranConfig;

test("the mask of each bond picks its devices", () => {
  const { bonds } = daemonConfig({
    ...minimal,
    bondPorts: [5, 2],
    bondMacs: ["02:00:00:00:00:01", "02:00:00:00:00:02"],
  });
  assert.deepEqual(bonds, [
    { mac: "02:00:00:00:00:01", devices: ["eth0", "eth2"], ports: [0, 2] },
    { mac: "02:00:00:00:00:02", devices: ["eth1"], ports: [1] },
  ]);
});

test("the largest memory is not negative", () => {
  assert.equal(daemonConfig({ ...minimal, memory: 2048 }).memoryBytes, 2 ** 31);
});

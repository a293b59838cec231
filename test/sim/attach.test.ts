import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { StackHost } from "../../sim/host.js";
import { HostPool } from "../../sim/host-pool.js";
import { Simulation } from "../../sim/simulation.js";

// DESIGN D1: all state of a stack is in its region, none in the instance of the module.

describe("one region, several instances", () => {
  for (const seed of [3n, 11n, 29n]) {
    it(`seed ${seed} runs the same through one instance and through two that alternate at random`, () => {
      const alone = new Simulation(seed, new HostPool(1)).run();
      const shared = new Simulation(seed, new HostPool(2)).run();
      assert.equal(alone.failure, undefined);
      assert.equal(shared.failure, undefined);
      assert.equal(shared.digest, alone.digest);
      assert.equal(shared.steps, alone.steps);
    });
  }

  it("attaching writes nothing, and refuses another size or another build's region", () => {
    const host = new StackHost();
    const before = Buffer.from(host.bytes(0, host.size));
    assert.equal(host.doors.attach(host.size), 0);
    assert.ok(before.equals(Buffer.from(host.bytes(0, host.size))));
    assert.equal(host.doors.attach(host.size * 2), -1);
    for (const field of [layout.ROOT_MAGIC, layout.ROOT_BUILD_HASH, layout.ROOT_BUILD_HASH + 7]) {
      const at = layout.ROOT + field;
      host.view().setUint8(at, host.view().getUint8(at) ^ 1);
      assert.equal(host.doors.attach(host.size), -1);
      host.view().setUint8(at, host.view().getUint8(at) ^ 1);
      assert.equal(host.doors.attach(host.size), 0);
    }
  });

  it("a region that is too small is refused", () => {
    assert.throws(() => new StackHost({ size: layout.REGION_SIZE_MIN - 1 }), /refused/);
  });
});

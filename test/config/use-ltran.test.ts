import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOptions, checkText } from "./checker.js";

const ADDRESS = 'host_addr = "10.0.0.1"\nmask_addr = "255.255.255.0"\nuse_ltran = 1\n';

describe("use_ltran", () => {
  it("needs no device, and starts", () => {
    const verdict = checkText(ADDRESS, "--start");
    assert.deepEqual([verdict.status, verdict.errors, verdict.warnings], [0, [], []]);
    assert.equal(verdict.values.port_kind, "2");
  });

  it("takes the MAC address of ltran's device, and no notice of a name", () => {
    const mac = checkText(`${ADDRESS}devices = "aa:bb:cc:dd:ee:ff"\n`, "--start");
    assert.deepEqual([mac.status, mac.values.device_mac], [0, "aabbccddeeff"]);
    const name = checkText(`${ADDRESS}devices = "eth0"\n`);
    assert.deepEqual([name.status, name.values.device_name], [0, ""]);
    assert.match(name.warnings.join(), /devices = "eth0": has no effect: .* only its MAC address is checked/);
  });

  it("leaves dpdk_args and port to ltran", () => {
    const args = checkText(`${ADDRESS}dpdk_args = ["-a", "0000:01:00.0"]\n`);
    assert.equal(args.status, 0);
    assert.match(args.warnings.join(), /dpdk_args = .*: has no effect: with use_ltran = 1/);
    const port = checkText(`${ADDRESS}port = "dpdk"\n`);
    assert.equal(port.status, 1);
    assert.match(port.errors.join(), /port = "dpdk": must be "auto"/);
  });

  it("changes nothing when it is 0", () => {
    assert.equal(checkOptions({ use_ltran: "0" }).values.port_kind, "0");
  });
});

/** kni_switch = 1: the kernel and an accelerated Redis on one address, through ltran. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, gazellectl, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import type { Program } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { Capture, kernelCounter, pingOnce, shareUnderLoad, talk } from "./kernel-traffic.js";

const timeout = 60_000;
const ownAddress = "10.77.0.5";

function inServer(lab: Lab, ...words: string[]): string {
  return runInside(lab.serverNamespace, ...words).toString();
}

for (const hasOwn of [false, true]) {
  const title = hasOwn ? "its own address on the network" : "no other address";
  describe(`a kernel with ${title}`, { timeout }, () => {
    let lab: Lab;
    let ltran: Daemon;
    let redis: Program;

    before(async () => {
      lab = createLab({ label: hasOwn ? "kernel-own" : "kernel", stack: "gazelle", offloads: "default" });
      if (hasOwn) inServer(lab, "ip", "address", "add", `${ownAddress}/24`, "dev", lab.serverInterface);
      ltran = await startLtran(lab, { kni_switch: "1" });
      redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    });
    after(async () => {
      await redis.stop();
      await ltran.program.stop();
      lab.remove();
    });

    test("serves beside Redis, answers once and resets nothing", async () => {
      const resets = kernelCounter(lab, "Tcp.OutRsts");
      await shareUnderLoad(lab);
      assert.equal(kernelCounter(lab, "Tcp.OutRsts"), resets);
      const { drops } = await ltran.report();
      assert.equal(drops.kernelFull ?? 0, 0);
    });

    test("refuses a port that nobody listens on, by itself", async () => {
      const wire = await Capture.start(lab, "client", lab.clientInterface, "tcp port 4444");
      await assert.rejects(talk(lab, "client", addresses.server, 4_444), /refused/);
      const lines = await wire.finish();
      assert.equal(lines.filter((line) => /Flags \[R/.test(line)).length, 1, lines.join("\n"));
      assert.equal(kernelCounter(lab, "Tcp.OutRsts") > 0n, true);
    });

    if (hasOwn) {
      test("keeps its own address to itself", async () => {
        await pingOnce(lab, "client", ownAddress);
        await pingOnce(lab, "server", addresses.client, "-I", ownAddress);
      });
    }
  });
}

describe("the kernel's device", { timeout }, () => {
  let lab: Lab;
  before(() => {
    lab = createLab({ label: "kernel-end", stack: "gazelle", offloads: "default" });
  });
  after(() => lab.remove());

  test("goes with ltran, however that ends, and all that belongs to it", async () => {
    const prefix = `gz-${process.pid}-end-`;
    const options = { kni_switch: "1", kni_device: '"host0"' };
    const first = await startLtran(lab, options, prefix);
    const redis = await startRedis(lab, { prefix, address: addresses.server });
    await waitUntil(() => /from 10\.77\.0\.1 lookup/.test(inServer(lab, "ip", "rule")), 5_000);
    assert.match(inServer(lab, "ip", "address", "show", "dev", "host0"), /inet 10\.77\.0\.1\/32/);
    assert.match(inServer(lab, "nft", "list", "ruleset"), /10\.77\.0\.1/);
    first.program.signal("SIGKILL");
    await first.program.ended;
    await waitUntil(() => inServer(lab, "nft", "list", "ruleset") === "", 5_000);
    assert.doesNotMatch(inServer(lab, "ip", "link"), /host0/);
    const second = await startLtran(lab, options, prefix);
    await waitUntil(async () => (await second.report()).instances.length === 1, 10_000);
    await pingOnce(lab, "server", addresses.client, "-I", addresses.server);
    await gazellectl(lab, prefix, "ltran", "quit");
    await second.program.ended;
    await redis.stop();
    assert.equal(inServer(lab, "nft", "list", "ruleset"), "");
    assert.doesNotMatch(inServer(lab, "ip", "rule"), /10\.77\.0\.1/);
    assert.doesNotMatch(inServer(lab, "ip", "link"), /host0/);
  });

  test("cannot be made twice: cause and remedy, status 1", async () => {
    inServer(lab, "ip", "tuntap", "add", "taken0", "mode", "tun");
    const starts = startLtran(lab, { kni_switch: "1", kni_device: '"taken0"' }, `gz-${process.pid}-taken-`);
    await assert.rejects(starts, /cannot make the kernel's device taken0/);
  });
});

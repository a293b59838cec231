/**
 * Programs in VLANs: a kernel peer with a VLAN interface beside its untagged one. The interface is a TAP
 * device and a program that tags, as not every kernel has VLAN interfaces.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { startProgram } from "../../scripts/lab/program.js";
import { askRedis, redisArguments, startAccelerated, startRedis } from "./accelerated.js";

const timeout = 60_000;
const vlan = 30;
/** Hosts of the lab's network; which of them are in the VLAN is said below. */
const tagged = { server: "10.77.0.11", peer: "10.77.0.66" };
const valueBytes = 300_000;

let lab: Lab;
let ltran: Daemon;

before(async () => {
  lab = createLab({ label: "vlan", stack: "gazelle", offloads: "equal" });
  const inClient = (...words: string[]) => runInside(lab.clientNamespace, "ip", ...words);
  const tagger = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "/usr/bin/python3",
    argumentList: [
      inRoot("test", "ltran", "vlan_interface.py"),
      lab.clientInterface,
      "tagged0",
      String(vlan),
    ],
  });
  assert.ok(await waitUntil(() => /ready/.test(tagger.output()), 5_000), tagger.output());
  inClient("address", "add", `${tagged.peer}/32`, "dev", "tagged0");
  inClient("link", "set", "tagged0", "up");
  inClient("route", "add", `${tagged.server}/32`, "dev", "tagged0", "src", tagged.peer);
  ltran = await startLtran(lab, { allow_vlans: '"10,30-31"' });
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

describe("VLANs", { timeout }, () => {
  test("a tagged and an untagged program serve the same link, each its own network", async () => {
    const inVlan = { prefix: ltran.prefix, address: tagged.server, extraLines: [`nic_vlan_mode=${vlan}`] };
    const first = await startRedis(lab, inVlan);
    const second = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    try {
      assert.equal(await askRedis(lab, tagged.server, "SET", "name", "tagged"), "OK");
      assert.equal(await askRedis(lab, addresses.server, "SET", "name", "plain"), "OK");
      assert.equal(await askRedis(lab, tagged.server, "GET", "name"), "tagged");
      assert.equal(await askRedis(lab, addresses.server, "GET", "name"), "plain");
      // Segments in a row, both ways.
      const large = "z".repeat(100_000);
      assert.equal(await askRedis(lab, tagged.server, "SET", "large", large), "OK");
      assert.equal(await askRedis(lab, tagged.server, "GET", "large"), large);
      assert.equal(
        await askRedis(lab, tagged.server, "SETRANGE", "huge", String(valueBytes - 1), "x"),
        String(valueBytes),
      );
      assert.equal((await askRedis(lab, tagged.server, "GET", "huge")).length, valueBytes);
      // The tagged one is asked without a tag, the other one with it.
      const change = (...words: string[]) => runInside(lab.clientNamespace, "ip", "route", ...words);
      change("replace", `${tagged.server}/32`, "dev", lab.clientInterface);
      change("add", `${addresses.server}/32`, "dev", "tagged0", "src", tagged.peer);
      assert.equal(await askRedis(lab, tagged.server, "GET", "name"), "", "another network");
      assert.equal(await askRedis(lab, addresses.server, "GET", "name"), "", "another network");
      const { drops } = await ltran.report();
      assert.ok((drops.arpNotOurs ?? 0) + (drops.ipNotOurs ?? 0) > 0);
    } finally {
      await first.stop();
      await second.stop();
    }
  });

  test("a program may be in no VLAN that allow_vlans leaves out", async () => {
    const options = { prefix: ltran.prefix, address: tagged.server, extraLines: ["nic_vlan_mode=32"] };
    const program = startAccelerated(lab, "redis-server", redisArguments(tagged.server), options);
    const { stderr } = await program.ended;
    assert.match(stderr, /ltran refuses: programs may not be in VLAN 32; choose another nic_vlan_mode/);
  });
});

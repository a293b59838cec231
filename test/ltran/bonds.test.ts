/** One ltran with two bonds, each on a link of its own: programs choose by hardware address. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { askRedis, redisArguments, startAccelerated, startRedis } from "./accelerated.js";

const timeout = 60_000;
const second = { mac: "02:67:7a:00:00:11", server: "10.77.0.11", peer: "10.77.0.66" };

let lab: Lab;
let ltran: Daemon;

before(async () => {
  lab = createLab({ label: "bonds", stack: "gazelle", offloads: "default" });
  const { serverNamespace, clientNamespace } = lab;
  const inClient = (...words: string[]) => runInside(clientNamespace, "ip", ...words);
  const peer = ["peer", "name", "client1", "netns", clientNamespace];
  runInside(serverNamespace, "ip", "link", "add", "name", "server1", "type", "veth", ...peer);
  runInside(serverNamespace, "ip", "link", "set", "server1", "up");
  inClient("link", "set", "client1", "up");
  inClient("address", "add", `${second.peer}/32`, "dev", "client1");
  inClient("route", "add", `${second.server}/32`, "dev", "client1", "src", second.peer);
  ltran = await startLtran(lab, {
    devices: `"${lab.serverInterface},server1"`,
    bond_ports: '"0x1,0x2"',
    bond_macs: `"${addresses.serverMac},${second.mac}"`,
  });
});
after(async () => {
  await ltran?.program.stop();
  lab.remove();
});

describe("two bonds", { timeout }, () => {
  test("serve programs of their own, each by its own link", async () => {
    const first = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    const other = await startRedis(lab, { prefix: ltran.prefix, address: second.server, mac: second.mac });
    try {
      assert.equal(await askRedis(lab, addresses.server, "SET", "name", "first"), "OK");
      assert.equal(await askRedis(lab, second.server, "SET", "name", "second"), "OK");
      assert.equal(await askRedis(lab, addresses.server, "GET", "name"), "first");
      assert.equal(await askRedis(lab, second.server, "GET", "name"), "second");
      const large = "z".repeat(100_000);
      assert.equal(await askRedis(lab, second.server, "SET", "large", large), "OK");
      assert.equal(await askRedis(lab, second.server, "GET", "large"), large);
      const neighbour = runInside(lab.clientNamespace, "ip", "neighbour", "show", second.server).toString();
      assert.match(neighbour, new RegExp(second.mac));
      const { nics, instances } = await ltran.report();
      assert.deepEqual(
        nics.map(({ device, mac, isActive }) => [device, mac, isActive]),
        [
          [lab.serverInterface, addresses.serverMac, true],
          ["server1", second.mac, true],
        ],
      );
      assert.deepEqual(instances.map(({ mac }) => mac).sort(), [addresses.serverMac, second.mac]);
      // Asked by the other link, nobody answers.
      runInside(lab.clientNamespace, "ip", "route", "replace", `${second.server}/32`, "dev", "client0");
      runInside(lab.clientNamespace, "ip", "neighbour", "flush", "all");
      assert.equal(await askRedis(lab, second.server, "GET", "name"), "");
      assert.ok(((await ltran.report()).drops.arpNotOurs ?? 0) > 0);
    } finally {
      await first.stop();
      await other.stop();
    }
  });

  test("a program that names a third one is refused, with those that there are", async () => {
    const options = { prefix: ltran.prefix, address: addresses.server, mac: "02:67:7a:00:00:99" };
    const program = startAccelerated(lab, "redis-server", redisArguments(addresses.server), options);
    const { stderr } = await program.ended;
    const known = `${addresses.serverMac}, ${second.mac}`;
    assert.match(stderr, new RegExp(`ltran has no bond with the address .*:99; .* bond_macs: ${known}`));
  });
});

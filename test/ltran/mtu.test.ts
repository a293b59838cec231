/**
 * bond_mtu: devices have it while ltran runs, programs and their peers use it, and it is taken back, by the
 * next ltran if this one is killed. Super-frames are off at both ends: large packets are packets of the link.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { addresses, createLab, interfaceCounters, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Program, runProgram } from "../../scripts/lab/program.js";
import { redisPort, startRedis } from "./accelerated.js";

const timeout = 60_000;
const ordinary = 1500;
const jumbo = 9000;
const valueBytes = 1_000_000;

let lab: Lab;
let ltran: Daemon;

function mtuOf(device: string): number {
  const answer = runInside(lab.serverNamespace, "ip", "-json", "link", "show", "dev", device).toString();
  const [link] = JSON.parse(answer) as { mtu: number }[];
  return link?.mtu ?? 0;
}

async function ask(...words: string[]): Promise<string> {
  const result = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-cli",
    argumentList: ["-h", addresses.server, "-p", String(redisPort), ...words],
  });
  return result.stdout.toString().trim();
}

before(() => {
  lab = createLab({ label: "mtu", stack: "gazelle", offloads: "equal" });
  runInside(lab.clientNamespace, "ip", "link", "set", lab.clientInterface, "mtu", String(jumbo));
});
after(() => lab.remove());

describe("bond_mtu", { timeout }, () => {
  test("is the devices' while ltran runs, and large values travel in packets of that size", async () => {
    ltran = await startLtran(lab, { bond_mtu: String(jumbo) });
    const redis: Program = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    try {
      assert.equal(mtuOf(lab.serverInterface), jumbo);
      assert.equal((await ltran.report()).nics[0]?.mtu, jumbo);
      const before = interfaceCounters(lab.serverNamespace, lab.serverInterface);
      assert.equal(await ask("SETRANGE", "value", String(valueBytes - 1), "x"), String(valueBytes));
      assert.equal((await ask("GET", "value")).length, valueBytes);
      const after = interfaceCounters(lab.serverNamespace, lab.serverInterface);
      const bytes = Number(after.txBytes - before.txBytes);
      const average = bytes / Number(after.txPackets - before.txPackets);
      assert.ok(bytes >= valueBytes, `${bytes} bytes were sent`);
      assert.ok(average > 2 * ordinary && average <= jumbo + 14, `${average} bytes in a frame`);
      const large = "y".repeat(100_000);
      assert.equal(await ask("SET", "large", large), "OK");
      assert.equal(await ask("GET", "large"), large);
      const last = interfaceCounters(lab.serverNamespace, lab.serverInterface);
      assert.ok(Number(last.rxPackets - after.rxPackets) < large.length / ordinary);
      assert.deepEqual((await ltran.report()).drops.tooLong ?? 0, 0);
    } finally {
      await redis.stop();
      await ltran.program.stop();
    }
  });

  test("is taken back at the end", () => {
    assert.equal(mtuOf(lab.serverInterface), ordinary);
    assert.equal(existsSync(placeOf(ltran.prefix).mtus), false);
  });

  test("is taken back by the next ltran when this one is killed", async () => {
    ltran = await startLtran(lab, { bond_mtu: String(jumbo) });
    ltran.program.signal("SIGKILL");
    await ltran.program.ended;
    assert.equal(mtuOf(lab.serverInterface), jumbo, "nobody was there to do it");
    ltran = await startLtran(lab, { bond_mtu: "4000" });
    assert.equal(mtuOf(lab.serverInterface), 4000);
    await ltran.program.stop();
    assert.equal(mtuOf(lab.serverInterface), ordinary, "what it was before both");
  });

  test("stays as somebody else has set it since", async () => {
    ltran = await startLtran(lab, { bond_mtu: String(jumbo) });
    runInside(lab.serverNamespace, "ip", "link", "set", lab.serverInterface, "mtu", "3000");
    await ltran.program.stop();
    assert.equal(mtuOf(lab.serverInterface), 3000);
    runInside(lab.serverNamespace, "ip", "link", "set", lab.serverInterface, "mtu", String(ordinary));
  });

  test("is refused with a remedy when the device cannot have it", async () => {
    const link = ["link", "add", "link", lab.serverInterface, "name", "macvlan1", "type", "macvlan"];
    runInside(lab.serverNamespace, "ip", ...link);
    runInside(lab.serverNamespace, "ip", "link", "set", "macvlan1", "up");
    const starting = startLtran(lab, { devices: '"macvlan1"', bond_mtu: String(jumbo) });
    await assert.rejects(starting, /macvlan1: cannot set its MTU, which is 1500, to 9000 .EINVAL.; run with/);
    runInside(lab.serverNamespace, "ip", "link", "del", "macvlan1");
  });
});

/** ltran on devices of DPDK: traffic over each virtual driver, a bond of two, and what stops a start. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type DpdkDriver, deviceArguments } from "../../scripts/lab/lstack-conf.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { startProgram } from "../../scripts/lab/program.js";
import { connectTap } from "../../scripts/lab/tap.js";
import { CheckedTraffic } from "./checked-traffic.js";
import { dpdkKit } from "./dpdk-kit.js";
import { Redis } from "./redis.js";
import { addSecondLink, backupLink } from "./two-links.js";

const timeout = 60_000;
const miimonMs = 100;
const resumeMs = 3 * miimonMs + 100;
const settleMs = 500;
const trafficMs = 1_500;

async function stop(lab: Lab, ltran: Daemon | undefined, redis?: Redis): Promise<void> {
  await redis?.program.stop();
  await ltran?.program.stop();
  lab.remove();
}

function hasXdpProgram(lab: Lab): boolean {
  const text = runInside(lab.serverNamespace, "ip", "link", "show", lab.serverInterface).toString();
  return /prog\/xdp/.test(text);
}

describe("ltran on a device of DPDK", { timeout }, () => {
  const drivers: readonly DpdkDriver[] = ["af_packet", "af_xdp", "tap"];

  for (const driver of drivers) {
    test(`${driver}: Redis counts every request and no byte is wrong`, async () => {
      const lab = createLab({ label: driver.replace("_", ""), stack: "gazelle", offloads: "equal" });
      let ltran: Daemon | undefined;
      let redis: Redis | undefined;
      try {
        ltran = await startLtran(lab, dpdkKit(deviceArguments[driver](lab.serverInterface)));
        if (driver === "tap") await connectTap(lab, ltran.program);
        redis = await Redis.start(lab, ltran, addresses.server);
        await redis.count(20_000, 20);
        assert.equal(await redis.counted(), 20_000);
        const traffic = await CheckedTraffic.start(lab, addresses.server, 4);
        await pause(trafficMs);
        await traffic.finish();
        const { nics, counters } = await ltran.report();
        assert.equal(nics.length, 1);
        assert.ok((counters.nicFramesIn ?? 0) > 20_000 && (counters.nicFramesOut ?? 0) > 20_000);
        assert.equal(hasXdpProgram(lab), driver === "af_xdp");
        const { status } = await ltran.program.stop();
        assert.equal(status, 0, ltran.program.output());
        assert.equal(hasXdpProgram(lab), false, "an XDP program was left");
      } finally {
        await stop(lab, ltran, redis);
      }
    });
  }

  test("a bond of two goes on when a link fails, as the kernel says it did", async () => {
    const lab = createLab({ label: "dpdkbond", stack: "gazelle", offloads: "equal" });
    let ltran: Daemon | undefined;
    let redis: Redis | undefined;
    try {
      addSecondLink(lab);
      const kit = dpdkKit(
        `net_af_packet0,iface=${lab.serverInterface},framecnt=4096`,
        `net_af_packet1,iface=${backupLink.server},framecnt=4096`,
      );
      ltran = await startLtran(lab, { ...kit, bond_ports: '"0x3"', bond_miimon: String(miimonMs) });
      redis = await Redis.start(lab, ltran, addresses.server);
      const { nics } = await ltran.report();
      assert.deepEqual(
        nics.map(({ device }) => device),
        [lab.serverInterface, backupLink.server],
      );
      const traffic = await CheckedTraffic.start(lab, addresses.server, 4);
      await pause(settleMs);
      runInside(lab.clientNamespace, "ip", "link", "set", lab.clientInterface, "down");
      const daemon = ltran;
      const isOver = async () => (await daemon.report()).nics[1]?.isActive === true;
      assert.ok(await waitUntil(isOver, 2 * resumeMs), "no change-over");
      await pause(settleMs);
      const { longestMs } = await traffic.finish();
      assert.ok(longestMs <= resumeMs, `traffic stood still for ${longestMs} ms`);
    } finally {
      await stop(lab, ltran, redis);
    }
  });
});

describe("frames that the driver cuts off", { timeout }, () => {
  test("are counted, and what to do is said once", async () => {
    const lab = createLab({ label: "dpdkcut", stack: "gazelle", offloads: "default" });
    let ltran: Daemon | undefined;
    let redis: Redis | undefined;
    try {
      ltran = await startLtran(lab, dpdkKit(`net_af_packet0,iface=${lab.serverInterface},framecnt=4096`));
      redis = await Redis.start(lab, ltran, addresses.server);
      const daemon = ltran;
      const load = startProgram({
        namespace: lab.clientNamespace,
        role: "client",
        command: "redis-benchmark",
        argumentList: ["-h", addresses.server, "-d", "60000", "-c", "2", "-n", "10000", "-t", "set", "-q"],
      });
      const isSaid = () => /ethtool -K DEVICE tx off tso off gso off/.test(daemon.program.output());
      assert.ok(await waitUntil(isSaid, 10_000), daemon.program.output());
      await load.stop();
      assert.ok(((await daemon.report()).drops.truncated ?? 0) > 0);
    } finally {
      await stop(lab, ltran, redis);
    }
  });
});

describe("a start on devices of DPDK is refused", { timeout }, () => {
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ["without the driver", dpdkKit("net_nonsense0"), /check forward_kit_args/],
    ["without the interface", dpdkKit("net_af_packet0,iface=missing0"), /No such device/],
    [
      "with fewer devices than bond_ports names",
      { ...dpdkKit("net_af_packet0,iface=server0"), bond_ports: '"0x3"' },
      /port 1: .*fewer devices than bond_ports names/,
    ],
    [
      "without memory for the buffers that are asked for",
      { ...dpdkKit("net_af_packet0,iface=server0"), tx_mbuf_pool_size: "200000" },
      /no memory for packet buffers; raise -m or --socket-mem in forward_kit_args/,
    ],
    [
      "without room in the window for the buffers that are asked for",
      { ...dpdkKit("net_af_packet0,iface=server0"), rx_mbuf_pool_size: "4000000" },
      /below 4096 MiB is no room for so many receive buffers/,
    ],
  ];
  for (const [title, options, message] of cases) {
    test(title, async () => {
      const lab = createLab({ label: "dpdkno", stack: "gazelle", offloads: "equal" });
      try {
        await assert.rejects(startLtran(lab, options), message);
      } finally {
        lab.remove();
      }
    });
  }
});

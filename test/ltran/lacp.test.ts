/**
 * Bond mode 4. DPDK's bonding driver is the partner that somebody else has written: it forms the aggregation
 * with ltran and carries a kernel's traffic. Two ltrans lose a link under load. (Not every kernel has a
 * bonding driver.)
 */
import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, interfaceCounters, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { redisPort, startRedis } from "./accelerated.js";

const timeout = 90_000;
/** Sync, collecting and distributing, of a port and its partner (IEEE 802.1AX-2014, 6.4.2.3). */
const inUse = 8 + 16 + 32;
/** Aggregate_Wait_Time at both ends, LACPDUs in between. */
const formsMs = 10_000;
const miimonMs = 100;
const resumeMs = 3 * miimonMs + 100;
/** A segment that was lost is sent again after 200 ms at the earliest. */
const settleMs = 500;
const connections = 16;
const links = 2;
const testpmd = "/usr/bin/dpdk-testpmd";

const ltranOptions = (prefix: string) => ({
  devices: `"${prefix}0,${prefix}1"`,
  bond_ports: '"0x3"',
  bond_mode: "4",
  bond_miimon: String(miimonMs),
});

function addSecondLink(lab: Lab): void {
  const peer = ["peer", "name", "client1", "netns", lab.clientNamespace];
  runInside(lab.serverNamespace, "ip", "link", "add", "name", "server1", "type", "veth", ...peer);
  runInside(lab.serverNamespace, "ip", "link", "set", "server1", "up");
  runInside(lab.clientNamespace, "ip", "link", "set", "client1", "up");
}

/** Numbers of links that both ends use. */
async function linksInUse(ltran: Daemon): Promise<number[]> {
  const { nics } = await ltran.report();
  return nics.flatMap(({ lacp }, link) => {
    const both = (lacp?.actorState ?? 0) & (lacp?.partnerState ?? 0) & inUse;
    return both === inUse ? [link] : [];
  });
}

async function assertForms(ltran: Daemon): Promise<void> {
  const isFormed = async () => (await linksInUse(ltran)).length === links;
  assert.ok(await waitUntil(isFormed, formsMs), JSON.stringify((await ltran.report()).nics));
}

/** Frames that each link has carried, both ways. */
function carried(lab: Lab): number[] {
  return ["server0", "server1"].map((device) => {
    const { rxPackets, txPackets } = interfaceCounters(lab.serverNamespace, device);
    return Number(rxPackets + txPackets);
  });
}

/** Where the driver keeps files: below /var/run/dpdk. */
const partnerFiles = `gz-${process.pid}`;

/** A kernel's TAP device whose frames the driver spreads over both links. */
async function startPartner(lab: Lab): Promise<Program> {
  const inClient = (...words: string[]) => runInside(lab.clientNamespace, "ip", ...words);
  const members = [0, 1].map((link) => `slave=net_af_packet${link}`).join(",");
  const devices = [
    ...[0, 1].map((link) => `net_af_packet${link},iface=client${link}`),
    "net_tap0,iface=tap0",
    `net_bonding0,mode=4,${members},xmit_policy=l34`,
  ];
  const eal = ["--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--file-prefix", partnerFiles];
  const own = ["--portlist=2,3", "--forward-mode=io", "--total-num-mbufs=4096", "--stats-period=3600"];
  const partner = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: testpmd,
    argumentList: [...eal, "-l", "0,1", ...devices.flatMap((device) => ["--vdev", device]), "--", ...own],
  });
  const isThere = () => {
    try {
      inClient("link", "show", "tap0");
      return true;
    } catch {
      return false;
    }
  };
  assert.ok(await waitUntil(isThere, formsMs), partner.output());
  inClient("address", "flush", "dev", "client0");
  inClient("address", "add", `${addresses.client}/${addresses.prefixLength}`, "dev", "tap0");
  inClient("link", "set", "tap0", "up");
  // Or the links themselves would answer for the address.
  for (const link of [0, 1]) inClient("link", "set", `client${link}`, "arp", "off");
  inClient("neighbour", "add", addresses.server, "lladdr", addresses.serverMac, "dev", "tap0");
  return partner;
}

/** Frames all the time: the driver sends LACPDUs only when there is something else to be sent. */
function startTraffic(lab: Lab): Program {
  return startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "ping",
    argumentList: ["-q", "-i", "0.02", addresses.server],
  });
}

describe("LACP with DPDK's bonding driver", { timeout, skip: !existsSync(testpmd) }, () => {
  let lab: Lab;
  let ltran: Daemon;
  let redis: Program;
  let partner: Program;
  let traffic: Program;

  before(async () => {
    lab = createLab({ label: "lacpd", stack: "gazelle", offloads: "equal" });
    addSecondLink(lab);
    for (const [namespace, device] of [
      [lab.serverNamespace, "server1"],
      [lab.clientNamespace, "client1"],
    ] as const) {
      runInside(namespace, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off");
    }
    partner = await startPartner(lab);
    traffic = startTraffic(lab);
    ltran = await startLtran(lab, ltranOptions("server"));
    redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
  });
  after(async () => {
    await traffic?.stop();
    await redis?.stop();
    await ltran?.program.stop();
    await partner?.stop();
    rmSync(join("/var/run/dpdk", partnerFiles), { recursive: true, force: true });
    lab.remove();
  });

  test("forms one aggregation of both links, which carry traffic", async (context: TestContext) => {
    await assertForms(ltran);
    const start = carried(lab);
    const load = await runProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "redis-benchmark",
      argumentList: ["-h", addresses.server, "-c", "20", "-n", "5000", "-t", "set,get", "-q"],
    });
    assert.match(load.stdout.toString(), /GET: \d/);
    const each = carried(lab).map((frames, link) => frames - (start[link] ?? 0));
    context.diagnostic(`frames of each link: ${each.join(", ")}`);
    for (const frames of each) assert.ok(frames > 1_000, `frames of each link: ${each.join(", ")}`);
    const [first] = (await ltran.report()).nics;
    assert.match(first?.lacp?.partner ?? "", /^02:67:7a:00:00:02$/);
  });
});

/** An accelerated client at the other end, whose connections check what they get. */
async function startClient(lab: Lab, other: Daemon): Promise<Program> {
  const file = join(temporaryFolder(), "lacp-client.conf");
  const lines = [
    "use_ltran=1",
    `unix_prefix="${other.prefix}"`,
    `host_addr="${addresses.client}"`,
    `mask_addr="${addresses.mask}"`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const script = inRoot("test", "ltran", "checked_pings.py");
  const program = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "/usr/bin/python3",
    argumentList: [script, addresses.server, String(redisPort), String(connections)],
    environment: { ...preloadEnvironment(), GAZELLE_BIND_PROCNAME: "python3", LSTACK_CONF_PATH: file },
  });
  assert.ok(await waitUntil(() => /ready/.test(program.output()), formsMs), program.output());
  return program;
}

describe("LACP between two ltrans", { timeout }, () => {
  let lab: Lab;
  let ltran: Daemon;
  let other: Daemon;
  let redis: Program;

  /** The lab seen from the other side. */
  const reversed = (): Lab => ({ ...lab, serverNamespace: lab.clientNamespace, serverInterface: "client0" });

  before(async () => {
    lab = createLab({ label: "lacp", stack: "gazelle", offloads: "default" });
    runInside(lab.clientNamespace, "ip", "address", "flush", "dev", lab.clientInterface);
    addSecondLink(lab);
    ltran = await startLtran(lab, ltranOptions("server"));
    const options = { ...ltranOptions("client"), bond_macs: `"${addresses.clientMac}"` };
    other = await startLtran(reversed(), options, `gz-${process.pid}-lacp-other-`);
    await assertForms(ltran);
    redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
  });
  after(async () => {
    await redis?.stop();
    await ltran?.program.stop();
    await other?.program.stop();
    lab.remove();
  });

  for (const [link, end] of [
    [0, "server"],
    [1, "client"],
  ] as const) {
    test(`no connection ends when link ${link} is lost and comes back`, async (context: TestContext) => {
      await assertForms(ltran);
      const namespace = end === "server" ? lab.serverNamespace : lab.clientNamespace;
      const client = await startClient(lab, other);
      await pause(settleMs);
      const start = carried(lab);
      await pause(settleMs);
      for (const [index, frames] of carried(lab).entries()) {
        assert.ok(frames > (start[index] ?? 0), `link ${index} has a part of the traffic`);
      }
      runInside(namespace, "ip", "link", "set", `${end}${link}`, "down");
      await pause(resumeMs + settleMs);
      assert.deepEqual(await linksInUse(ltran), [1 - link]);
      runInside(namespace, "ip", "link", "set", `${end}${link}`, "up");
      await assertForms(ltran);
      await pause(settleMs);
      const { status } = await client.stop();
      assert.equal(status, 0, client.output());
      const [, last = ""] = client.output().trim().split("\n");
      const { answers, leastAnswers, longestMs } = JSON.parse(last) as Record<string, number>;
      context.diagnostic(`${answers} answers, the longest took ${longestMs} ms`);
      assert.ok((leastAnswers ?? 0) > 10, last);
      assert.ok((longestMs ?? 0) <= resumeMs + settleMs, last);
    });
  }
});

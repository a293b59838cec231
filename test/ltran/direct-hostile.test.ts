/** A program that does what it likes to the ring between it and another one: the other one goes on. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, type TestContext, test } from "node:test";
import * as layout from "../../build/generated/node/registration-layout.js";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";
import { message } from "./client.js";

const timeout = 60_000;
/** How long anything may take on a busy machine. */
const patience = 20_000;
const hostileAddress = "10.77.0.66";
const connections = 4;
const slots = 512;
const regionSize = 2_183_168;

let lab: Lab;
let ltran: Daemon;
const running: Program[] = [];

before(() => {
  lab = createLab({ label: "peer", stack: "gazelle", offloads: "default" });
});
after(() => lab.remove());
/** Each time a new one: numbers of ports, by which it is decided who makes the ring, begin anew. */
beforeEach(async () => {
  ltran = await startLtran(lab);
});

function started(options: Parameters<typeof startProgram>[0]): Program {
  const program = startProgram(options);
  running.push(program);
  return program;
}

function startHostile(how: string): Program {
  const features = layout.FEATURE_ANNOUNCES | layout.FEATURE_DIRECT_RINGS;
  const order = {
    path: ltran.socket,
    message: message({ address: hostileAddress, features, regionSize, key: 77n }).toString("hex"),
    mac: addresses.serverMac.replaceAll(":", ""),
    address: hostileAddress,
    victim: addresses.server,
    slots,
    regionSize,
    how,
    offer: layout.REGISTRATION_OFFER,
    offered: layout.REGISTRATION_OFFERED,
    attached: layout.REGISTRATION_ATTACHED,
  };
  return started({
    namespace: lab.serverNamespace,
    role: "client",
    command: "python3",
    argumentList: [inRoot("test", "ltran", "hostile-peer.py"), JSON.stringify(order)],
  });
}

/** What the victim's stack has counted, by name. */
async function countersOf(victim: Program): Promise<Record<string, number>> {
  const gazelle = [inRoot("ctl", "bin", "gazelle.mjs"), "stats", String(victim.pid), "--json"];
  const options = { namespace: lab.serverNamespace, role: "client", command: process.execPath } as const;
  const { stdout } = await runProgram({ ...options, argumentList: gazelle });
  const text = stdout.toString();
  const value = (name: string) => Number(new RegExp(`"${name}"[^0-9]*(\\d+)`).exec(text)?.[1] ?? Number.NaN);
  return Object.fromEntries(
    ["peersOpened", "peersClosed", "peerForged", "ringFault"].map((name) => [name, value(name)]),
  );
}

/** Redis as victim, beside checked traffic; `makes`: the hostile one comes first and makes the ring. */
async function attack(context: TestContext, how: string, makes: boolean): Promise<Record<string, number>> {
  let hostile = makes ? startHostile(how) : undefined;
  const isThere = async () => (await ltran.report()).instances.length > 0;
  if (makes) assert.ok(await waitUntil(isThere, patience));
  const victim = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
  running.push(victim);
  const traffic = await CheckedTraffic.start(lab, addresses.server, connections);
  running.push(traffic.program);
  hostile ??= startHostile(how);
  const isDone = () => /^done$/m.test(hostile?.output() ?? "") || hostile?.result() !== undefined;
  assert.ok(await waitUntil(isDone, patience), hostile.output());
  assert.match(hostile.output(), makes ? /introduced maker\ndone/ : /introduced attacher\ndone/);
  // A victim that makes the ring may hear that it is attached after the first frames are in it.
  if (!makes) await waitUntil(async () => (await countersOf(victim)).peersOpened === 1, patience);
  const counters = await countersOf(victim);
  context.diagnostic(`${how}: ${JSON.stringify(counters)}`);
  await traffic.finish();
  assert.equal(victim.result(), undefined, victim.output());
  return counters;
}

/** Nothing of an attack is left. */
async function clear(): Promise<void> {
  for (const program of running.splice(0)) await program.stop();
  await ltran.program.stop();
}

describe("a hostile peer", { timeout }, () => {
  afterEach(clear);

  for (const how of ["small", "unsealed", "file", "eventfd"]) {
    test(`offers a ring that is none (${how}): declined`, async (context: TestContext) => {
      const { peersOpened } = await attack(context, how, true);
      assert.equal(peersOpened, 0);
    });
  }

  for (const makes of [true, false]) {
    const who = makes ? "made" : "did not make";
    test(`writes garbage into the ring that it ${who}`, async (context: TestContext) => {
      const { peersOpened, peersClosed, ringFault } = await attack(context, "garbage", makes);
      assert.equal(peersOpened, 1);
      assert.ok((peersClosed ?? 0) + (ringFault ?? 0) > 0, "nobody noticed");
    });

    test(`speaks as others in the ring that it ${who}`, async (context: TestContext) => {
      const { peersOpened, peerForged } = await attack(context, "forge", makes);
      assert.equal(peersOpened, 1);
      assert.ok((peerForged ?? 0) > 10, `${peerForged} frames dropped`);
    });
  }

  test("kicks without end", async (context: TestContext) => {
    const { peersOpened } = await attack(context, "flood", false);
    assert.equal(peersOpened, 1);
  });
});

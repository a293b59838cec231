/**
 * Everything at once, on four namespaces: ltran on a bond of two links, two Redis and two nginx of two stacks
 * each behind it, checksummed traffic of the kernel's and of accelerated clients, while links fail, a client
 * is killed and ltran ends.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, run, waitUntil } from "../../scripts/lab/command.js";
import { type Lab, snmpCounters } from "../../scripts/lab/lab.js";
import { type Daemon, gazellectl, startLtran } from "../../scripts/lab/ltran.js";
import { processesIn } from "../../scripts/lab/namespaces.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program } from "../../scripts/lab/program.js";
import { livingConnections, redisPort, startAccelerated, startRedis } from "./accelerated.js";
import { CheckedTraffic, type TrafficOptions } from "./checked-traffic.js";
import { httpPort, startKernelRedis, startNginx } from "./servers.js";
import { createStage, links, peers, type Stage } from "./stage.js";

const timeout = 60_000;
const miimonMs = 100;
/** ltran changes the link within this time. */
const resumeMs = 3 * miimonMs + 100;
/** A segment that was lost is sent again after 200 ms at the earliest, and then after twice that. */
const settleMs = 700;
/** Peers of a killed program are told, and ltran has forgotten it, within this time. */
const forgottenMs = 1_000;
/** Programs try at least so often to register again. */
const returnMs = 5_000;
/** No change of a value takes longer: ltran is away for less, and what was lost is sent again by then. */
const standstillMs = 6_000;
const connections = 6;

const redis = ["10.77.0.11", "10.77.0.12"] as const;
const web = "10.77.0.13";
const clients = { redis: "10.77.0.21", web: "10.77.0.22", outwards: "10.77.0.23" } as const;
const visitor = "10.77.0.24";
const victim = "10.77.0.25";

let stage: Stage;
let ltran: Daemon;
let peer: Program;
let segmentsBefore: bigint;
const servers: Program[] = [];
const traffic: CheckedTraffic[] = [];

function place(address: string) {
  return { prefix: ltran.prefix, address };
}

async function startServers(): Promise<void> {
  peer = await startKernelRedis(stage.first, peers.first);
  for (const address of redis) servers.push(await startRedis(stage.first, place(address)));
  const shared = { ...place(web), extraLines: ["stack_num = 2", "listen_shadow = 1"] };
  for (const name of ["nginx-a", "nginx-b"]) servers.push(startNginx(stage.first, name, shared));
  const isServed = await waitUntil(async () => (await instances()) === servers.length, returnMs);
  const said = servers.map((server) => server.output().slice(-500)).join("\n");
  assert.ok(isServed, `not every server has registered:\n${said}\n${ltran.program.output()}`);
}

/** Clients of the kernel's on two hosts, and accelerated ones of servers on this host and on another. */
async function startTraffic(): Promise<void> {
  const start = async (lab: Lab, address: string, options: TrafficOptions = {}) =>
    traffic.push(await CheckedTraffic.start(lab, address, connections, options));
  const { first, second } = stage;
  await start(first, redis[0]);
  await start(second, redis[1]);
  await start(first, web, { httpPort });
  await start(second, web, { httpPort });
  await start(first, redis[1], { accelerated: place(clients.redis) });
  await start(first, web, { httpPort, accelerated: place(clients.web) });
  await start(first, peers.first, { accelerated: place(clients.outwards) });
}

/** Programs that are registered. */
async function instances(): Promise<number> {
  return (await ltran.report()).instances.length;
}

/** The local ports of the kernel's clients, by their traffic. */
function ports(): number[][] {
  return traffic.map((one) => one.ports());
}

/** All traffic goes on, over the connections of before. */
function assertGoesOn(before: readonly (readonly number[])[], what: string): void {
  for (const one of traffic) one.assertRuns();
  assert.deepEqual(ports(), before, `${what}: the same connections`);
}

/** Segments that the kernel of the host has seen. */
function kernelSegments(): bigint {
  const counters = snmpCounters(stage.first.serverNamespace);
  return counter(counters, "Tcp.InSegs") + counter(counters, "Tcp.OutSegs");
}

/** On both links, open to the workers of nginx. */
function startOnBond(): Promise<Daemon> {
  return startLtran(stage.first, {
    devices: `"${links.map(({ device }) => device).join(",")}"`,
    bond_ports: '"0x3"',
    bond_miimon: String(miimonMs),
    allow_uids: `"${run("id", ["-u", "www-data"]).toString().trim()}"`,
  });
}

before(async () => {
  stage = createStage("acceptance");
  ltran = await startOnBond();
  segmentsBefore = kernelSegments();
  await startServers();
  await startTraffic();
});
after(async () => {
  const programs = [...traffic.map(({ program }) => program), ...servers, peer, ltran?.program];
  await Promise.all(programs.map((program) => program?.stop()));
  stage.remove();
});

describe("everybody at once", { timeout }, () => {
  test("two Redis and two nginx serve clients of the kernel's and accelerated ones", async () => {
    const standing = ports();
    await pause(1_000);
    assertGoesOn(standing, "a second");
    const report = await ltran.report();
    assert.equal(report.instances.length, servers.length + Object.keys(clients).length);
    const workers = report.instances.filter(({ address }) => address === web);
    const flows = workers.flatMap(({ stacks }) => stacks.map((stack) => stack.flows));
    assert.equal(flows.length, 4);
    assert.ok(Math.min(...flows) >= 2, `connections of the stacks of both nginx: ${flows.join(", ")}`);
  });

  for (const [command, argumentList, expected] of [
    ["redis-benchmark", ["-h", redis[0], "-c", "20", "-n", "5000", "-t", "incr", "-q"], /INCR: [1-9]/],
    ["redis-benchmark", ["-h", peers.first, "-c", "20", "-n", "5000", "-t", "get", "-q"], /GET: [1-9]/],
    ["curl", ["-sSf", "-m", "5", `http://${web}/0`, "-o", "/dev/null", "-w", "%{http_code}"], /^200$/],
    ["wrk", ["-t1", "-c20", "-d1s", `http://${web}:${httpPort}/0`], /[1-9]\d* requests in/],
  ] as const) {
    const host = argumentList.find((word) => /10\.77/.test(word));
    test(`an accelerated ${command} comes, talks to ${host} and goes`, async () => {
      const program = startAccelerated(stage.first, command, argumentList, place(visitor));
      const { status } = await program.ended;
      assert.equal(status, 0, program.output());
      assert.match(program.output(), expected);
      assert.doesNotMatch(program.output(), /Socket errors|Non-2xx/);
    });
  }
});

describe("meanwhile", { timeout }, () => {
  for (const link of [0, 1]) {
    test(`link ${link} of the bond fails, the other one takes over`, async () => {
      const standing = ports();
      const active = async () => (await ltran.report()).nics.find(({ isActive }) => isActive)?.device;
      assert.equal(await active(), links[link]?.device, "the link in use before");
      const extra = await CheckedTraffic.start(stage.second, redis[0], connections);
      stage.setLink(link, false);
      await pause(resumeMs);
      assert.equal(await active(), links[1 - link]?.device);
      await pause(settleMs);
      stage.setLink(link, true);
      const { longestMs } = await extra.finish();
      assert.ok(longestMs <= resumeMs + settleMs, `traffic stood still for ${longestMs} ms`);
      assertGoesOn(standing, "change-over");
    });
  }

  test("one client is killed: its peers are told, nobody else notices", async () => {
    const standing = ports();
    const before = await instances();
    const load = ["-h", peers.first, "-p", String(redisPort), "-c", "10", "-n", "1000000", "-d", "65536"];
    const killed = startAccelerated(stage.first, "redis-benchmark", [...load, "-t", "set"], place(victim));
    const living = () => livingConnections(peer.pid, victim).length;
    assert.ok(await waitUntil(() => living() >= 10, returnMs), killed.output());
    await pause(300);
    killed.signal("SIGKILL");
    assert.ok(await waitUntil(() => living() === 0, forgottenMs, 5), `${living()} connections are left`);
    assert.ok(await waitUntil(async () => (await instances()) === before, forgottenMs), "ltran knows it");
    assertGoesOn(standing, "a killed client");
  });

  for (const how of ["SIGKILL", "quit"]) {
    test(`another ltran takes over after ${how}`, async (context: TestContext) => {
      const standing = ports();
      const expected = await instances();
      if (how === "quit") await gazellectl(stage.first, ltran.prefix, "ltran", "quit");
      else ltran.program.signal("SIGKILL");
      const { status } = await ltran.program.ended;
      assert.equal(status, how === "quit" ? 0 : null);
      const began = performance.now();
      ltran = await startOnBond();
      assert.ok(await waitUntil(async () => (await instances()) === expected, returnMs), "registered again");
      context.diagnostic(`all were registered ${Math.round(performance.now() - began)} ms after the start`);
      await pause(settleMs);
      assertGoesOn(standing, how);
    });
  }
});

describe("in the end", { timeout }, () => {
  test("no byte was wrong, no connection ended, the kernel took no part", async (context: TestContext) => {
    for (const one of traffic.splice(0)) {
      const { changes, kept, longestMs } = await one.finish();
      context.diagnostic(`one of ${changes} changes took ${longestMs} ms, none longer`);
      assert.ok(changes > 100 && kept > 0, `${changes} changes, ${kept} kept`);
      assert.ok(longestMs < standstillMs, `traffic stood still for ${longestMs} ms`);
    }
    const { counters, drops } = await ltran.report();
    assert.equal(counters.resetsUnknown ?? 0, 0);
    const foreign = Object.keys(drops).filter((name) => /^foreign|Fault$|Broken$/.test(name));
    assert.deepEqual(foreign, []);
    assert.equal(kernelSegments() - segmentsBefore, 0n, "segments that the host's kernel saw");
  });

  test("everything ends, and nothing is left", async () => {
    const ends = await Promise.all(servers.splice(0).map((server) => server.stop()));
    assert.deepEqual(
      ends.map(({ status }) => status),
      [0, 0, 0, 0],
    );
    assert.ok(await waitUntil(async () => (await instances()) === 0, forgottenMs), "ltran knows programs");
    const { status } = await ltran.program.stop();
    assert.equal(status, 0, ltran.program.output());
    assert.equal(existsSync(ltran.socket), false, "a socket is left");
    assert.deepEqual(processesIn(stage.first.serverNamespace), []);
  });
});

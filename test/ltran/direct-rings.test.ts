/** Two programs of one machine with a ring of their own: traffic, death of either and of ltran. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import type { Program } from "../../scripts/lab/program.js";
import type { LoadReport } from "../apps/checked-load.js";
import { redisPort, startAccelerated, startRedis } from "./accelerated.js";

const timeout = 60_000;
const clientAddress = "10.77.0.3";
const otherAddress = "10.77.0.4";
const connections = 4;
/** Peers learn of a death within this time. */
const forgottenMs = 1_000;

let lab: Lab;
let ltran: Daemon;
let redis: Program;

before(async () => {
  lab = createLab({ label: "direct", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab);
  redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
});
after(async () => {
  await redis.stop();
  await ltran.program.stop();
  lab.remove();
});

/** A program that checks what it gets from Redis. */
function startTraffic(address = clientAddress): Program {
  const script = inRoot("build", "node", "test", "apps", "checked-load.js");
  const words = [script, addresses.server, String(redisPort), String(connections)];
  return startAccelerated(lab, "node", words, { prefix: ltran.prefix, address });
}

function startBenchmark(address = clientAddress): Program {
  const words = ["-h", addresses.server, "-c", "8", "-n", "100000000", "-d", "4096", "-t", "set", "-q"];
  return startAccelerated(lab, "redis-benchmark", words, { prefix: ltran.prefix, address });
}

/** The addresses to which the program at `address` has rings. */
async function ringsAt(address: string): Promise<readonly string[]> {
  const { instances } = await ltran.report();
  return instances.find((instance) => instance.address === address)?.stacks[0]?.directRings ?? [];
}

async function awaitRing(address = clientAddress): Promise<void> {
  const hasRing = async () => (await ringsAt(address)).includes(addresses.server);
  assert.ok(await waitUntil(hasRing, 10_000), `no ring from ${address}`);
}

async function forwarded(): Promise<number> {
  return (await ltran.report()).counters.vportFramesIn ?? 0;
}

async function finish(traffic: Program): Promise<LoadReport> {
  assert.equal(traffic.result(), undefined, traffic.output());
  const { status } = await traffic.stop();
  assert.equal(status, 0, traffic.output());
  const line = traffic
    .output()
    .split("\n")
    .find((text) => text.startsWith("{"));
  return JSON.parse(line ?? "{}") as LoadReport;
}

describe("a ring between two programs", { timeout }, () => {
  beforeEach(async () => {
    await waitUntil(async () => (await ringsAt(addresses.server)).length === 0, 5_000);
  });

  test("carries checked traffic both ways, and ltran forwards nothing of it", async () => {
    const traffic = startTraffic();
    await awaitRing();
    const begun = await forwarded();
    await pause(1_500);
    const went = (await forwarded()) - begun;
    const { changes, kept } = await finish(traffic);
    assert.ok(changes > 20 && kept > 0, `${changes} changes`);
    assert.ok(went < 20, `ltran forwarded ${went} frames`);
  });

  test("kill -9 of the client: the server has forgotten its connections within a second", async () => {
    const benchmark = startBenchmark();
    await awaitRing();
    benchmark.signal("SIGKILL");
    await benchmark.ended;
    const isGone = async () => (await ringsAt(addresses.server)).length === 0;
    assert.ok(await waitUntil(isGone, forgottenMs), "the server still has the ring");
    // The clients that are left are those that ask.
    const words = ["-h", addresses.server, "client", "list"];
    const count = async () => {
      const ask = startAccelerated(lab, "redis-cli", words, { prefix: ltran.prefix, address: otherAddress });
      await ask.ended;
      return ask.output().match(/addr=10\.77\.0\.3:/g)?.length ?? 0;
    };
    assert.ok(
      await waitUntil(async () => (await count()) === 0, forgottenMs),
      `${await count()} connections`,
    );
  });

  test("kill -9 of the server: the client's connections are reset within a second", async () => {
    const benchmark = startBenchmark();
    await awaitRing();
    redis.signal("SIGKILL");
    await redis.ended;
    const hasEnded = () => benchmark.result() !== undefined;
    assert.ok(await waitUntil(hasEnded, forgottenMs), `it waits: ${benchmark.output()}`);
    redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
  });
});

describe("a ring without its ltran, or its address", { timeout }, () => {
  test("kill -9 of ltran: the ring goes on; the next ltran knows of it, and tells of deaths", async () => {
    const traffic = startTraffic();
    await awaitRing();
    const { prefix } = ltran;
    ltran.program.signal("SIGKILL");
    await ltran.program.ended;
    await pause(1_000);
    assert.equal(traffic.result(), undefined, traffic.output());
    ltran = await startLtran(lab, {}, prefix);
    await awaitRing();
    const begun = await forwarded();
    await pause(1_000);
    assert.ok((await forwarded()) - begun < 20, "ltran forwards");
    const { changes } = await finish(traffic);
    assert.ok(changes > 20, `${changes} changes`);
  });

  test("a second program at one of the addresses ends the ring, and no connection", async () => {
    const traffic = startTraffic();
    await awaitRing();
    const second = await startRedis(lab, { prefix: ltran.prefix, address: clientAddress });
    assert.ok(
      await waitUntil(async () => (await ringsAt(clientAddress)).length === 0, 2_000),
      "a ring is left",
    );
    const begun = await forwarded();
    await pause(1_000);
    assert.ok((await forwarded()) - begun > 20, "ltran forwards again");
    await second.stop();
    const { changes } = await finish(traffic);
    assert.ok(changes > 20, `${changes} changes`);
  });
});

test("with direct_rings = 0 everything goes through ltran", { timeout }, async () => {
  const prefix = `gz-${process.pid}-forwards-`;
  const other = await startLtran(lab, { direct_rings: "0", devices: `"${lab.serverInterface}"` }, prefix);
  const server = await startRedis(lab, { prefix, address: otherAddress });
  const words = ["-h", otherAddress, "-c", "2", "-n", "2000", "-t", "get", "-q"];
  const benchmark = startAccelerated(lab, "redis-benchmark", words, { prefix, address: "10.77.0.5" });
  const { status } = await benchmark.ended;
  assert.equal(status, 0, benchmark.output());
  const { counters } = await other.report();
  assert.ok((counters.switchedFrames ?? 0) > 4_000, JSON.stringify(counters));
  assert.equal(counters.pairsNoted, undefined);
  await server.stop();
  await other.program.stop();
});

test("no ring for a few frames", { timeout }, async () => {
  const before = (await ltran.report()).counters.pairsNoted ?? 0;
  const place = { prefix: ltran.prefix, address: otherAddress };
  const ask = startAccelerated(lab, "redis-cli", ["-h", addresses.server, "ping"], place);
  const { status } = await ask.ended;
  assert.equal(status, 0, ask.output());
  const { counters } = await ltran.report();
  assert.equal(counters.pairsNoted ?? 0, before);
});

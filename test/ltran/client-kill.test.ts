/**
 * SIGKILL of a client of ltran at a time that is uniform over its life; half of the runs end while it
 * registers, connects or moves bulk. What it had goes, its peers are told, a neighbour notices nothing.
 *
 * GAZELLE_CLIENT_KILLS sets the number of runs, GAZELLE_SEED repeats one test's times.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { after, before, describe, type TestContext, test } from "node:test";
import { askControl } from "../../ctl/control-socket.js";
import { placeOf } from "../../ltran/daemon/place.js";
import type { LtranReport } from "../../ltran/daemon/report.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { Random } from "../stack/support/random.js";
import { livingConnections, redisArguments, redisPort, startAccelerated, startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const runs = Number(process.env.GAZELLE_CLIENT_KILLS ?? "150");
const seed = Number(process.env.GAZELLE_SEED ?? randomInt(2 ** 31));
/** Runs at the same time. */
const lanes = 2;
/** How long a victim lives at most; in the first part of that it registers, connects and begins its bulk. */
const lifeMs = 600;
const beginningMs = 50;
/** Peers are told, and ltran has forgotten the victim, within this time. */
const forgottenMs = 1_000;
/** After its start ltran resets nothing that it does not know: it may belong to who has not come back yet. */
const graceMs = 3_000;
const neighbourConnections = 4;
/** Below the time after which the kernel would have sent a lost segment again twice. */
const noticeableMs = 600;
/** A change of the neighbour's goes through its client, ltran and Redis, each of which may have to wait. */
const programsOfChange = 3;
const heartbeatMs = 10;
const timeout = 60_000 + runs * 1_000;

let lab: Lab;
let ltran: Daemon;
let peer: Program;
let neighbour: Program;
let traffic: CheckedTraffic;

before(async () => {
  lab = createLab({ label: "kill", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab);
  peer = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-server",
    argumentList: redisArguments(addresses.client),
  });
  await waitUntil(() => /Ready to accept/.test(peer.output()), 5_000);
  neighbour = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
  traffic = await CheckedTraffic.start(lab, addresses.server, neighbourConnections);
  await pause(graceMs);
});
after(async () => {
  await Promise.all([traffic.program.stop(), neighbour.stop(), peer.stop()]);
  await ltran.program.stop();
  lab.remove();
});

function benchmark(host: string): string[] {
  return ["-h", host, "-p", String(redisPort), "-c", "8", "-n", "1000000", "-d", "65536", "-t", "set,get"];
}

/** A program to be killed, and who talks to it. */
interface Victim {
  program: Program;
  client?: Program;
}

/** Accelerated clients of the kernel's Redis. */
function startClients(address: string): Victim {
  return { program: startAccelerated(lab, "redis-benchmark", benchmark(addresses.client), place(address)) };
}

/** An accelerated Redis with clients of the kernel. */
function startServer(address: string): Victim {
  const program = startAccelerated(lab, "redis-server", redisArguments(address), place(address));
  // Without a subshell: one that still waits for a connection would outlive the shell that is stopped.
  const connect = `{ exec 3<>/dev/tcp/${address}/${redisPort}; } 2>/dev/null`;
  const client = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "bash",
    argumentList: [
      "-c",
      `until ${connect}; do sleep 0.005; done; exec redis-benchmark "$@" 3>&-`,
      "bash",
      ...benchmark(address),
    ],
  });
  return { program, client };
}

function place(address: string) {
  return { prefix: ltran.prefix, address };
}

async function report(): Promise<LtranReport> {
  const { head } = await askControl(placeOf(ltran.prefix).control, "instances");
  return head as unknown as LtranReport;
}

/** Clients' regions that ltran has mapped. */
function mappedRegions(): number {
  const maps = readFileSync(`/proc/${ltran.program.pid}/maps`, "latin1");
  return maps.split("\n").filter((line) => line.includes("memfd:gazelle-ring")).length;
}

/** What a descriptor of ltran is; "" when it was closed since it was listed. */
function descriptor(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  }
}

/** What the descriptors of ltran are. */
function descriptors(): string {
  const folder = `/proc/${ltran.program.pid}/fd`;
  const all = readdirSync(folder).map((name) => descriptor(`${folder}/${name}`));
  return all
    .filter((what) => what !== "")
    .sort()
    .join("\n");
}

/** Watches how late the machine lets a program be that wants to run every few milliseconds. */
class Heartbeat {
  #last = performance.now();
  #latestMs = 0;
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.#latestMs = Math.max(this.#latestMs, now - this.#last - heartbeatMs);
    this.#last = now;
  }, heartbeatMs);

  /** Ends it; the longest delay in milliseconds. */
  stop(): number {
    clearInterval(this.#timer);
    return Math.round(this.#latestMs);
  }
}

/** Connections that the victim had, and milliseconds until its peers had been told. */
interface Outcome {
  connections: number;
  toldMs: number;
}

async function killOne(number: number, random: Random): Promise<Outcome> {
  const address = `10.77.0.${100 + (number % 100)}`;
  const life = random.below(number % 2 === 0 ? beginningMs : lifeMs);
  const { program, client } = number % 4 < 2 ? startClients(address) : startServer(address);
  await pause(life);
  const what = `run ${number}, killed after ${life} ms`;
  assert.equal(program.result(), undefined, `${what}: it had ended before: ${program.output()}`);
  program.signal("SIGKILL");
  const began = performance.now();
  const connections = livingConnections(peer.pid, address).length;
  const isTold = () => livingConnections(peer.pid, address).length === 0;
  const told = await waitUntil(isTold, forgottenMs, 5);
  const toldMs = Math.round(performance.now() - began);
  assert.ok(told, `${what}: ${JSON.stringify(livingConnections(peer.pid, address))}`);
  const isForgotten = async () =>
    (await report()).instances.every((instance) => instance.address !== address);
  assert.ok(await waitUntil(isForgotten, forgottenMs, 5), `${what}: ltran still knows it`);
  await program.ended;
  await client?.stop();
  return { connections, toldMs };
}

describe("a client that is killed", { timeout }, () => {
  test("leaves nothing behind, and nobody else notices", async (context: TestContext) => {
    context.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const before = descriptors();
    const outcomes: Outcome[] = [];
    const heartbeat = new Heartbeat();
    let next = 0;
    const lane = async () => {
      while (next < runs) outcomes.push(await killOne(next++, random));
    };
    await Promise.all(Array.from({ length: lanes }, lane));

    const registered = ((await report()).counters.vportsOpened ?? 0) - 1;
    const connected = outcomes.filter(({ connections }) => connections > 0);
    const slowest = Math.max(...connected.map(({ toldMs }) => toldMs));
    context.diagnostic(
      `${outcomes.length} runs; ${registered} were registered, ${connected.length} had connections, ` +
        `whose peers knew after ${slowest} ms at most`,
    );
    assert.ok(registered > runs / 3 && connected.length > runs / 4, "too few runs lived long enough");
    const isClean = async () => {
      const { counters, instances } = await report();
      const flows = instances.flatMap(({ stacks }) => stacks).reduce((sum, stack) => sum + stack.flows, 0);
      const { flowsMade = 0, flowsEnded = 0 } = counters;
      return instances.length === 1 && flowsMade - flowsEnded === flows && mappedRegions() === 1;
    };
    assert.ok(await waitUntil(isClean, forgottenMs), JSON.stringify(await report()));
    // The last connection that asked for a report may not be closed at its end yet.
    await waitUntil(() => descriptors() === before, forgottenMs);
    assert.equal(descriptors(), before);
    const { changes, longestMs } = await traffic.finish();
    const latestMs = heartbeat.stop();
    const { tcpRetransmits } = readStackCounters(neighbour.pid);
    context.diagnostic(
      `one of the neighbour's ${changes} changes took ${longestMs} ms, none longer; its stack sent ` +
        `${tcpRetransmits} segments again; the machine let a timer be ${latestMs} ms late`,
    );
    const boundMs = noticeableMs + programsOfChange * latestMs;
    assert.ok(longestMs < boundMs, `the neighbour stood still for ${longestMs} ms`);
  });
});

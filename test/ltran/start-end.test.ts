/** Starts and ends of ltran: several at a time, beside what killed ones left, by every signal. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran, writeLtranConf } from "../../scripts/lab/ltran.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const timeout = 60_000;
const otherAddress = "10.77.0.3";

let lab: Lab;

before(() => {
  lab = createLab({ label: "start", stack: "gazelle", offloads: "default" });
});
after(() => lab.remove());

/** Files in the folder of ltran's sockets whose names begin so. */
function filesOf(prefix: string): string[] {
  const folder = dirname(placeOf(prefix).client);
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)) : [];
}

/** Starts an ltran without waiting for anything. */
function launch(prefix: string): Program {
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: process.execPath,
    argumentList: [inRoot("ctl", "bin", "ltran.mjs"), "-c", writeLtranConf(lab, prefix, {})],
  });
}

describe("several ltrans", { timeout }, () => {
  test("the second one with a prefix ends with status 1, the first one's traffic goes on", async () => {
    const first = await startLtran(lab);
    const redis = await startRedis(lab, { prefix: first.prefix, address: addresses.server });
    const traffic = await CheckedTraffic.start(lab, addresses.server, 4);
    const second = launch(first.prefix);
    const { status, stderr } = await second.ended;
    assert.equal(status, 1);
    assert.match(stderr, /another ltran is running .*gazellectl ltran quit.*unix_prefix/);
    await pause(200);
    const { longestMs } = await traffic.finish();
    assert.ok(longestMs < 1_000, `traffic stood still for ${longestMs} ms`);
    assert.doesNotMatch(redis.output(), /ltran has ended/);
    await redis.stop();
    await first.program.stop();
  });

  test("of several that start at once with a prefix one stays", async () => {
    const prefix = `gz-${process.pid}-race-`;
    const all = Array.from({ length: 4 }, () => launch(prefix));
    const losers = new Set<Program>();
    for (const program of all) void program.ended.then(() => losers.add(program));
    for (let waited = 0; losers.size < 3 && waited < 10_000; waited += 50) await pause(50);
    await pause(300);
    assert.equal(losers.size, 3, all.map((program) => program.output()).join("\n"));
    const [winner] = all.filter((program) => !losers.has(program));
    assert.match(winner?.output() ?? "", /ready/);
    assert.equal((await winner?.stop())?.status, 0);
    assert.deepEqual(filesOf(prefix), []);
  });

  test("with different prefixes each serves its clients, on one device", async () => {
    const prefixes = ["a", "b"].map((name) => `gz-${process.pid}-${name}-`);
    const places = [addresses.server, otherAddress];
    const ltrans: Daemon[] = [];
    const programs: Program[] = [];
    const traffic: CheckedTraffic[] = [];
    for (const [index, prefix] of prefixes.entries()) {
      const address = places[index] ?? "";
      ltrans.push(await startLtran(lab, {}, prefix));
      programs.push(await startRedis(lab, { prefix, address }));
      traffic.push(await CheckedTraffic.start(lab, address, 4));
    }
    // On a busy machine a program may not run for as long as a change takes otherwise.
    await pause(1_500);
    for (const one of traffic) assert.ok((await one.finish()).changes > 0);
    const reports = await Promise.all(ltrans.map((ltran) => ltran.report()));
    assert.deepEqual(
      reports.map(({ instances }) => instances.map(({ address }) => address)),
      places.map((address) => [address]),
    );
    await Promise.all(programs.map((program) => program.stop()));
    await Promise.all(ltrans.map(({ program }) => program.stop()));
  });
});

describe("the first ltran", { timeout }, () => {
  test("refuses at once what nobody listens for, though several share the address", async () => {
    const began = performance.now();
    const ltran = await startLtran(lab, {}, `gz-${process.pid}-first-`);
    const { prefix } = ltran;
    const redis = await startRedis(lab, { prefix, address: addresses.server });
    const connect = `exec 3<>/dev/tcp/${addresses.server}/9`;
    const client = startProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "bash",
      argumentList: ["-c", connect],
    });
    const { stderr } = await client.ended;
    const tookMs = performance.now() - began;
    assert.match(stderr, /Connection refused/);
    assert.ok(tookMs < 2_500, `${tookMs} ms after its start nobody was refused`);
    await redis.stop();
    await ltran.program.stop();
  });
});

describe("the end of ltran", { timeout }, () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    test(`${signal} leaves nothing behind but its socket to a client that stays`, async () => {
      const prefix = `gz-${process.pid}-${signal.toLowerCase()}-`;
      const ltran = await startLtran(lab, {}, prefix);
      const redis = await startRedis(lab, { prefix, address: addresses.server });
      const isRegistered = async () => (await ltran.report()).instances.length === 1;
      assert.ok(await waitUntil(isRegistered, 5_000), redis.output());
      ltran.program.signal(signal);
      const { status, stderr } = await ltran.program.ended;
      assert.equal(status, 0, stderr);
      // The socket tells the next ltran that somebody waits for it, and goes with that.
      const socket = `${prefix}ltran_client.sock`;
      assert.deepEqual(filesOf(prefix).sort(), [`${prefix}${redis.pid}.sock`, socket]);
      await redis.stop();
      assert.deepEqual(filesOf(prefix), [socket]);
      const next = await startLtran(lab, {}, prefix);
      next.program.signal(signal);
      await next.program.ended;
      assert.deepEqual(filesOf(prefix), []);
    });
  }

  test("what SIGKILL leaves behind is no obstacle to the next one, and goes with it", async () => {
    const prefix = `gz-${process.pid}-left-`;
    const killed = await startLtran(lab, {}, prefix);
    killed.program.signal("SIGKILL");
    await killed.program.ended;
    // As if it had been killed while it gave its sockets their names.
    const folder = dirname(killed.socket);
    const momentary = [`.${killed.program.pid}.cmd`, `${prefix}ltran_cmd.sock.${killed.program.pid}.old`];
    const living = `.${process.pid}.client`;
    for (const name of [...momentary, living]) writeFileSync(join(folder, name), "");
    const left = filesOf(prefix)
      .map((name) => basename(name))
      .filter((name) => !momentary.includes(name));
    assert.deepEqual(left.sort(), [`${prefix}ltran_client.sock`, `${prefix}ltran_cmd.sock`]);
    // A program that starts takes away what dead programs left, but not what tells of this ltran.
    const other = await startLtran(lab, {}, `${prefix}other-`);
    const bystander = await startRedis(lab, { prefix: other.prefix, address: otherAddress });
    const isServed = async () => (await other.report()).instances.length === 1;
    assert.ok(await waitUntil(isServed, 5_000), bystander.output());
    assert.ok(
      filesOf(prefix).includes(`${prefix}ltran_client.sock`),
      "the next ltran would reset connections",
    );
    await bystander.stop();
    await other.program.stop();
    const next = await startLtran(lab, {}, prefix);
    const present = readdirSync(folder);
    rmSync(join(folder, living));
    assert.deepEqual(
      momentary.filter((name) => present.includes(name)),
      [],
    );
    assert.ok(present.includes(living), "another process is about to start");
    const redis = await startRedis(lab, { prefix, address: addresses.server });
    assert.equal((await next.report()).instances[0]?.pid, redis.pid);
    await redis.stop();
    assert.equal((await next.program.stop()).status, 0);
    assert.deepEqual(filesOf(prefix), []);
  });
});

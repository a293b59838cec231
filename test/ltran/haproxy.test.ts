/**
 * haproxy in between: accelerated clients, an accelerated haproxy, accelerated servers, all behind one ltran,
 * with a ring between each two that talk; clients of the kernel's as well. All that comes through is checked.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { pause, run, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab, snmpCounters } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program } from "../../scripts/lab/program.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { redisPort, startAccelerated, startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";
import { httpPort, startNginx } from "./servers.js";

const timeout = 60_000;
const readyMs = 10_000;
const proxyAddress = "10.77.0.30";
const webAddress = "10.77.0.13";
const clients = { redis: "10.77.0.21", web: "10.77.0.22" } as const;
const visitor = "10.77.0.24";
const connections = 4;
/** Frames that ltran may still forward while rings carry everything: health checks, ARP. */
const fewFrames = 60;

let lab: Lab;
let ltran: Daemon;
let segmentsBefore: bigint;
const programs: Program[] = [];

function place(address: string) {
  return { prefix: ltran.prefix, address };
}

/** Forwards Redis as bytes, the web as HTTP, whose server it asks for its health. */
function configuration(): string {
  return `
global
  maxconn 256
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen redis
  mode tcp
  bind ${proxyAddress}:${redisPort}
  server redis ${addresses.server}:${redisPort}
listen web
  mode http
  bind ${proxyAddress}:${httpPort}
  server nginx ${webAddress}:${httpPort} check inter 500ms
`;
}

function startHaproxy(): Program {
  const file = join(temporaryFolder(), "haproxy.cfg");
  writeFileSync(file, configuration());
  return startAccelerated(lab, "haproxy", ["-db", "-f", file], place(proxyAddress));
}

/** Segments that the kernel of the programs' host has seen. */
function kernelSegments(): bigint {
  const counters = snmpCounters(lab.serverNamespace);
  return counter(counters, "Tcp.InSegs") + counter(counters, "Tcp.OutSegs");
}

/** The addresses to which the program at `address` has rings. */
async function ringsAt(address: string): Promise<readonly string[]> {
  const { instances } = await ltran.report();
  const found = instances.filter((instance) => instance.address === address);
  return found.flatMap(({ stacks }) => stacks.flatMap(({ directRings }) => directRings));
}

async function forwarded(): Promise<number> {
  return (await ltran.report()).counters.vportFramesIn ?? 0;
}

before(async () => {
  lab = createLab({ label: "haproxy", stack: "gazelle", offloads: "default" });
  // The worker of nginx is www-data's.
  ltran = await startLtran(lab, { allow_uids: `"${run("id", ["-u", "www-data"]).toString().trim()}"` });
  segmentsBefore = kernelSegments();
  programs.push(await startRedis(lab, place(addresses.server)), startNginx(lab, "nginx", place(webAddress)));
  programs.push(startHaproxy());
  const isReady = async () => (await ltran.report()).instances.length === programs.length;
  const said = () => programs.map((program) => program.output().slice(-500)).join("\n");
  assert.ok(await waitUntil(isReady, readyMs), said());
});
after(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await ltran.program.stop();
  lab.remove();
});

describe("haproxy between accelerated clients and servers", { timeout }, () => {
  test("checked traffic goes by rings from client to haproxy to server", async (context: TestContext) => {
    const redis = await CheckedTraffic.start(lab, proxyAddress, connections, {
      accelerated: place(clients.redis),
    });
    const web = await CheckedTraffic.start(lab, proxyAddress, connections, {
      accelerated: place(clients.web),
      httpPort,
    });
    const wanted = [addresses.server, webAddress, clients.redis, clients.web];
    const haveAll = async () => {
      const there = await ringsAt(proxyAddress);
      return wanted.every((address) => there.includes(address));
    };
    assert.ok(await waitUntil(haveAll, readyMs), `rings of haproxy: ${await ringsAt(proxyAddress)}`);
    const begun = await forwarded();
    await pause(1_500);
    const went = (await forwarded()) - begun;
    const reports = [await redis.finish(), await web.finish()];
    for (const { changes, kept } of reports) assert.ok(changes > 20 && kept > 0, JSON.stringify(reports));
    context.diagnostic(`${JSON.stringify(reports)}, ${went} frames through ltran in 1.5 s`);
    assert.ok(went < fewFrames, `ltran forwarded ${went} frames`);
  });

  for (const [command, argumentList, expected] of [
    [
      "curl",
      ["-sSf", "-m", "5", `http://${proxyAddress}/3`, "-o", "/dev/null", "-w", "%{http_code}"],
      /^200$/,
    ],
    ["wrk", ["-t1", "-c20", "-d1s", `http://${proxyAddress}:${httpPort}/0`], /[1-9]\d* requests in/],
    [
      "redis-benchmark",
      ["-h", proxyAddress, "-c", "20", "-n", "5000", "-t", "incr,lpush", "-q"],
      /INCR: [1-9]/,
    ],
  ] as const) {
    test(`an accelerated ${command} comes, talks through haproxy and goes`, async () => {
      const program = startAccelerated(lab, command, argumentList, place(visitor));
      const { status } = await program.ended;
      assert.equal(status, 0, program.output());
      assert.match(program.output(), expected);
      assert.doesNotMatch(program.output(), /Socket errors|Non-2xx/);
    });
  }

  test("every increment through haproxy arrived", async () => {
    const words = ["-h", proxyAddress, "get", "counter:__rand_int__"];
    const program = startAccelerated(lab, "redis-cli", words, place(visitor));
    await program.ended;
    assert.equal(program.output().trim(), "5000");
  });
});

describe("haproxy between clients of the kernel's and accelerated servers", { timeout }, () => {
  test("checked traffic of Redis and of the web", async (context: TestContext) => {
    for (const options of [{}, { httpPort }]) {
      const traffic = await CheckedTraffic.start(lab, proxyAddress, connections, options);
      await pause(1_000);
      const report = await traffic.finish();
      assert.ok(report.changes > 20 && report.kept > 0, JSON.stringify(report));
      context.diagnostic(JSON.stringify(report));
    }
  });

  test("the kernel of the programs' host took no part", () => {
    assert.equal(kernelSegments() - segmentsBefore, 0n);
  });
});

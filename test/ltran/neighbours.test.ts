/** A client that stops reading, one that floods, and those that there is no room for: the others go on. */
import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran, writeLtranConf } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { ltranEnvironment, redisArguments, redisPort, startAccelerated, startRedis } from "./accelerated.js";
import { CheckedTraffic } from "./checked-traffic.js";

const timeout = 60_000;
const otherAddress = "10.77.0.3";
const thirdAddress = "10.77.0.4";
const fourthAddress = "10.77.0.9";
const connections = 4;
/** Nobody's segment is lost: the kernel would have sent it again by then. */
const noticeableMs = 600;

let lab: Lab;
let ltran: Daemon;
let redis: Program;

before(async () => {
  lab = createLab({ label: "neighbours", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, { dispatch_max_clients: "2" });
  redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
});
after(async () => {
  await redis.stop();
  await ltran.program.stop();
  lab.remove();
});

function place(address: string, ...extraLines: string[]) {
  return { prefix: ltran.prefix, address, extraLines };
}

/** The neighbour's traffic while something happens; how long it stood still at most is printed. */
async function besideTraffic(context: TestContext, happens: () => Promise<void>): Promise<void> {
  const traffic = await CheckedTraffic.start(lab, addresses.server, connections);
  await happens();
  const { changes, longestMs } = await traffic.finish();
  context.diagnostic(`one of the neighbour's ${changes} changes took ${longestMs} ms, none longer`);
  assert.ok(longestMs < noticeableMs, `the neighbour stood still for ${longestMs} ms`);
}

describe("beside a neighbour", { timeout }, () => {
  test("a client stops reading while its peer sends, and goes on later", async (context: TestContext) => {
    const stopped = await startRedis(lab, place(otherAddress));
    const argumentList = ["-h", otherAddress, "-p", String(redisPort), "-c", "8", "-d", "65536", "-t", "set"];
    const sender = startProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "redis-benchmark",
      argumentList: [...argumentList, "-n", "20000", "-P", "4", "-q"],
    });
    await besideTraffic(context, async () => {
      await pause(200);
      assert.equal(sender.result(), undefined, "the sender has nothing more to send");
      stopped.signal("SIGSTOP");
      await pause(2_000);
      stopped.signal("SIGCONT");
      const { status } = await sender.ended;
      assert.equal(status, 0, sender.output());
    });
    await stopped.stop();
    await waitUntil(async () => (await ltran.report()).instances.length === 1, 1_000);
  });

  test("a client sends datagrams as fast as it can", async (context: TestContext) => {
    const sink = startProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "iperf3",
      argumentList: ["-s", "-1", "--forceflush"],
    });
    await waitUntil(() => /listening/.test(sink.output()), 5_000);
    await besideTraffic(context, async () => {
      const flood = ["-c", addresses.client, "-u", "-b", "0", "-l", "100", "-t", "2"];
      const flooder = startAccelerated(lab, "iperf3", flood, place(otherAddress));
      const { status } = await flooder.ended;
      assert.equal(status, 0, flooder.output());
    });
    const { counters } = await ltran.report();
    assert.ok((counters.vportFramesIn ?? 0) > 20_000, `${counters.vportFramesIn} frames are no flood`);
    await sink.stop();
  });
});

/** Runs a Redis that must not start; its output. */
async function refusedRedis(address: string, limit = "", ...extraLines: string[]): Promise<string> {
  const program = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "bash",
    argumentList: ["-c", `${limit} exec redis-server "$@"`, "bash", ...redisArguments(address)],
    environment: ltranEnvironment("redis-server", place(address, ...extraLines)),
  });
  const { status } = await program.ended;
  assert.equal(status, 1, program.output());
  return program.output();
}

describe("no room", { timeout }, () => {
  test("for a process more than dispatch_max_clients: both sides say so, status 1", async () => {
    const second = await startRedis(lab, place(otherAddress));
    const output = await refusedRedis(thirdAddress);
    assert.match(output, /ltran refuses: 2 processes are registered.*dispatch_max_clients.*ltran\.conf/);
    assert.match(ltran.program.output(), /process \d+ of user 0 refused: 2 processes are registered/);
    await second.stop();
  });

  test("with on_failure = kernel a client goes on with the kernel", async () => {
    const { serverNamespace: namespace, serverInterface } = lab;
    const kernelAddress = `${fourthAddress}/${addresses.prefixLength}`;
    runInside(namespace, "ip", "address", "add", kernelAddress, "dev", serverInterface);
    const second = await startRedis(lab, place(otherAddress));
    const peer = startProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "redis-server",
      argumentList: redisArguments(addresses.client),
    });
    await waitUntil(() => /Ready to accept/.test(peer.output()), 5_000);
    const ping = ["-h", addresses.client, "-p", String(redisPort), "PING"];
    const third = startAccelerated(lab, "redis-cli", ping, place(thirdAddress, 'on_failure="kernel"'));
    const { stdout, stderr } = await third.ended;
    assert.match(stderr, /ltran refuses: 2 processes.*the kernel's stack is used instead/);
    assert.equal(stdout.toString().trim(), "PONG");
    await Promise.all([second.stop(), peer.stop()]);
    runInside(namespace, "ip", "address", "del", kernelAddress, "dev", serverInterface);
  });

  test("a server that is bound already ends, although on_failure = kernel", async () => {
    const second = await startRedis(lab, place(otherAddress));
    const output = await refusedRedis(thirdAddress, "", 'on_failure="kernel"');
    assert.match(output, /sockets are bound to host_addr already.*\n.*ltran refuses: 2 processes/);
    await second.stop();
  });

  test("for a client's memory under ulimit -v", async () => {
    const output = await refusedRedis(otherAddress, "ulimit -v 4000000;");
    assert.match(output, /must be read with 8 GiB of addresses \(see `ulimit -v`\)/);
    assert.equal((await ltran.report()).instances.length, 1);
  });

  test("for ltran's own memory under ulimit -v", async () => {
    const prefix = `gz-${process.pid}-short-`;
    const ltranProgram = inRoot("ctl", "bin", "ltran.mjs");
    const words = [process.execPath, ltranProgram, "-c", writeLtranConf(lab, prefix, {})];
    const short = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "bash",
      argumentList: ["-c", 'ulimit -v 9000000; exec "$@"', "bash", ...words],
    });
    const { status } = await short.ended;
    assert.equal(status, 1, short.output());
    assert.match(short.output(), /^ltran: cannot make the forwarder's memory of 64 MiB/);
  });

  test("the neighbour is still served", async () => {
    const traffic = await CheckedTraffic.start(lab, addresses.server, connections);
    await pause(200);
    assert.ok((await traffic.finish()).changes > 0);
  });
});

/** Latency, wake-ups, the kernel's device, what a stack says, and the live view. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { runProgram } from "../../scripts/lab/program.js";
import { redisBenchmark, redisCommand, redisService } from "../apps/redis-server.js";
import { Service, serverAddress } from "../apps/service.js";
import { gazellectl, numberOf, rowsOf, type Shown } from "./gazellectl.js";

const requests = 2_000;

/** What takes some time. */
function declareLatency(of: () => Service): void {
  it("measures as many replies as there were requests, and round trips of the wire", async () => {
    const { pid } = of().server;
    const watched = gazellectl(["lstack", "show", String(pid), "-l", "8", "--json"]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await redisBenchmark(of(), 4, ["-n", String(requests), "-t", "get"]);
    const { instances } = JSON.parse((await watched).stdout) as { instances: Shown[] };
    const rows = instances[0]?.latencies;
    assert.ok(Array.isArray(rows));
    const stage = (name: string) => rows.find((row) => row.stage === name);
    for (const name of ["read", "write", "reply"]) {
      const count = Number(stage(name)?.count);
      assert.ok(count >= requests && count <= requests + 10, `${count} of ${name}`);
      const values = ["min", "p50", "p90", "p99", "p99.9", "p99.99", "max"].map((key) =>
        Number(stage(name)?.[key]),
      );
      assert.deepEqual(
        values.slice(1, -1),
        values.slice(1, -1).toSorted((a, b) => a - b),
        name,
      );
    }
    assert.ok(Number(stage("roundTrip")?.count) > 10);
    assert.ok(Number(stage("reply")?.p50) >= Number(stage("read")?.p50));
  });

  it("shows a reader that is late: what it read waited as long as it slept", async () => {
    const { pid } = of().server;
    const watched = gazellectl(["lstack", "show", String(pid), "latency", "4", "--json"]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const asleep = redisCommand(of(), "DEBUG", "SLEEP", "0.5");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await redisCommand(of(), "PING");
    await asleep;
    const { instances } = JSON.parse((await watched).stdout) as { instances: Shown[] };
    const rows = instances[0]?.latencies;
    const read = Array.isArray(rows) ? rows.find(({ stage }) => stage === "read") : undefined;
    assert.ok(Number(read?.max) > 150_000 && Number(read?.max) < 500_000, JSON.stringify(read));
  });
}

/** What wakes it, and what it says. */
function declareOthers(of: () => Service): void {
  it("counts wake-ups by frames and by timers", async () => {
    const { pid } = of().server;
    const [before] = await rowsOf(pid, "wakes", "-I");
    for (let i = 0; i < 20; i++) await redisCommand(of(), "PING");
    const [later] = await rowsOf(pid, "wakes", "intr");
    const grown = (name: string) => Number(later?.[name]) - Number(before?.[name]);
    assert.ok(grown("nic_event_cnt") >= 20, JSON.stringify(later));
    assert.ok(grown("timeout_event_cnt") > 0, JSON.stringify(later));
  });

  it("says of its link what it is told to", async () => {
    const { server, lab } = of();
    const link = (state: string) =>
      runInside(lab.clientNamespace, "ip", "link", "set", lab.clientInterface, state);
    const says = (text: RegExp) => waitUntil(() => text.test(server.output()), 3_000);
    const level = (name: string) => gazellectl(["lstack", "set", String(server.pid), "loglevel", name]);
    assert.equal((await level("debug")).status, 0);
    assert.equal((await rowsOf(server.pid, "stacks"))[0]?.loglevel, "debug");
    link("down");
    assert.ok(await says(/gazelle: the link of \S+ is down/), server.output());
    link("up");
    assert.ok(await says(/gazelle: the link of \S+ is up/), server.output());
    assert.equal((await level("info")).status, 0);
    const before = server.output();
    link("down");
    link("up");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(server.output().slice(before.length).includes("the link of"), false);
  });

  it("shows a view in place on a terminal, in colour, until it is interrupted", async () => {
    const { server, lab } = of();
    const words = [
      process.execPath,
      inRoot("ctl", "bin", "gazellectl.mjs"),
      "lstack",
      "show",
      String(server.pid),
    ];
    // Paths may have blanks in them.
    const command = [...words, "--watch"].map((word) => `'${word}'`).join(" ");
    const { stdout } = await runProgram({
      namespace: lab.serverNamespace,
      role: "client",
      command: "sh",
      argumentList: [
        "-c",
        `TERM=xterm timeout -s INT 3.5 script -qfc "stty cols 60 rows 20; ${command}" /dev/null || true`,
      ],
      timeoutMs: 20_000,
    });
    const text = stdout.toString();
    assert.ok(text.includes("\u001b[?1049h"), "the other screen");
    assert.ok(text.split("\u001b[H").length >= 3, "several samples");
    assert.match(text, /rx_pkts +\d+/);
  });
}

describe("gazellectl lstack: latency, wake-ups, messages, live view", { timeout: 120_000 }, () => {
  let service: Service;
  before(async () => {
    service = await Service.start({
      ...redisService,
      label: "ctl-more",
      stack: "gazelle",
      argumentList: (folder) => [...redisService.argumentList(folder), "--enable-debug-command", "yes"],
    });
  });
  after(() => service.stop());
  declareLatency(() => service);
  declareOthers(() => service);
});

describe("gazellectl lstack show of several stacks", { timeout: 60_000 }, () => {
  it("has a row for each, which together have every connection", async () => {
    const service = await Service.start({
      ...redisService,
      label: "ctl-stacks",
      stack: "gazelle",
      configuration: { port: "packet", extraLines: ["stack_num=2", "listen_shadow=1"] },
    });
    try {
      const { pid } = service.server;
      const opened = async () =>
        (await rowsOf(pid, "stacks", "-s")).map((row) => Number(row.tcp_passive_open));
      const before = await opened();
      assert.equal(before.length, 2);
      await redisBenchmark(service, 40, ["-n", "1000", "-t", "get"]);
      const grown = (await opened()).map((value, i) => value - (before[i] ?? 0));
      assert.equal((grown[0] ?? 0) + (grown[1] ?? 0), 41, `${grown}`);
      assert.ok(
        grown.every((value) => value > 0),
        `${grown}`,
      );
      const listeners = (await rowsOf(pid, "connections", "-c")).filter(({ state }) => state === "LISTEN");
      assert.deepEqual(
        listeners.map(({ stack }) => stack),
        [0, 1],
      );
    } finally {
      await service.stop();
    }
  });
});

describe("gazellectl lstack show -x", { timeout: 60_000 }, () => {
  it("has the extended statistics of a device of DPDK", async () => {
    const service = await Service.start({
      ...redisService,
      label: "ctl-dpdk",
      stack: "gazelle",
      configuration: { port: "dpdk" },
    });
    try {
      const value = async (name: string) => {
        const rows = await rowsOf(service.server.pid, "xstats", "-x");
        return Number(rows.find((row) => row.name === name && row.device === "dpdk.0")?.value);
      };
      const before = await value("rx_good_packets");
      await redisBenchmark(service, 2, ["-n", "500", "-t", "get"]);
      const grown = (await value("rx_good_packets")) - before;
      assert.ok(grown >= 500 && grown < 5_000, `${grown} frames for 500 requests`);
      assert.ok((await value("tx_good_bytes")) > 500 * 60);
    } finally {
      await service.stop();
    }
  });
});

describe("gazellectl lstack show -v", { timeout: 60_000 }, () => {
  it("counts frames that go to the kernel and come from it", async () => {
    const service = await Service.start({
      ...redisService,
      label: "ctl-kni",
      stack: "gazelle",
      configuration: { port: "packet", extraLines: ["kni_switch=1"] },
    });
    try {
      const before = await rowsOf(service.server.pid, "virtio", "-v");
      // Nobody on the stack listens there: the kernel refuses.
      const knock = `import socket; s = socket.socket(); print(s.connect_ex(("${serverAddress}", 81)))`;
      for (let i = 0; i < 5; i++) await service.client("python3", ["-c", knock]);
      const after = await rowsOf(service.server.pid, "virtio", "-v");
      const grown = (name: string) => Number(after[0]?.[name]) - Number(before[0]?.[name]);
      assert.ok(grown("tx_pkg") >= 5 && grown("rx_pkg") >= 5, JSON.stringify(after));
      assert.equal(await numberOf(service.server.pid, "fallbacks"), 0);
    } finally {
      await service.stop();
    }
  });
});

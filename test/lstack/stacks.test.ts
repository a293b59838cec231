/** Two stacks in one process: every way to use sockets, from several threads, on both. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab } from "../../scripts/lab/lab.js";
import { type ConfigurationOptions, stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { startLtran } from "../../scripts/lab/ltran.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";
import { readEachStack, type StackCounters } from "../../scripts/lab/stack-counters.js";
import { connectTap } from "../../scripts/lab/tap.js";

const firstPort = "7100";
const connections = 200;
const client = fileURLToPath(new URL("./stacks-client.js", import.meta.url));
const errnoInUse = 98;
const folder = join(repositoryRoot, "test", "lstack");
const sum = (
  stacks: readonly StackCounters[],
  name: "tcpPassiveOpens" | "tcpActiveOpens" | "udpIn" | "framesHandedOn",
) => stacks.reduce((total, stack) => total + Number(stack[name]), 0);

interface Variant {
  title: string;
  configuration: ConfigurationOptions;
  /** Connections of one listener may be in both stacks. */
  spreads: boolean;
  /** Frames arrive at other stacks than their sockets'. */
  handsOn: boolean;
  /** Queues of the link's ends, where they count. */
  queues?: number;
}

const prefix = `gz-${process.pid}-stacks-`;
const cpus = ['num_cpus="0,1"'];
const variants: readonly Variant[] = [
  {
    title: "packet",
    configuration: { port: "packet", extraLines: [...cpus, "listen_shadow=1"] },
    spreads: true,
    handsOn: true,
  },
  {
    title: "packet, one listener",
    configuration: { port: "packet", extraLines: cpus },
    spreads: false,
    handsOn: true,
  },
  {
    title: "packet, sleeping at once",
    configuration: { port: "packet", extraLines: ["stack_num=3", "listen_shadow=1", "low_power_mode=1"] },
    spreads: true,
    handsOn: true,
  },
  {
    title: "DPDK's af_packet",
    configuration: { port: "dpdk", driver: "af_packet", extraLines: [...cpus, "listen_shadow=1"] },
    spreads: true,
    handsOn: true,
  },
  {
    title: "DPDK's af_packet, sleeping at once",
    configuration: {
      port: "dpdk",
      driver: "af_packet",
      extraLines: ["stack_num=3", "listen_shadow=1", "low_power_mode=1"],
    },
    spreads: true,
    handsOn: true,
  },
  {
    title: "DPDK's tap",
    configuration: { port: "dpdk", driver: "tap", extraLines: [...cpus, "listen_shadow=1"] },
    spreads: true,
    handsOn: true,
  },
  {
    title: "DPDK's af_xdp",
    configuration: { port: "dpdk", driver: "af_xdp", extraLines: [...cpus, "listen_shadow=1"] },
    spreads: true,
    handsOn: true,
    queues: 2,
  },
  {
    title: "ltran",
    configuration: { port: "ltran", extraLines: [...cpus, "listen_shadow=1", `unix_prefix="${prefix}"`] },
    spreads: true,
    handsOn: false,
  },
  {
    title: "ltran, one listener",
    configuration: { port: "ltran", extraLines: [...cpus, `unix_prefix="${prefix}"`] },
    spreads: false,
    handsOn: false,
  },
];

for (const { title, configuration, spreads, handsOn, queues } of variants) {
  test(`two stacks over ${title}`, { timeout: 120_000 }, async () => {
    const label = `stacks-${variants.findIndex((variant) => variant.title === title)}`;
    const offloads = configuration.port === "dpdk" ? "equal" : "default";
    const lab = createLab({ label, stack: "gazelle", offloads, ...(queues !== undefined && { queues }) });
    const ltran = configuration.port === "ltran" ? await startLtran(lab, {}, prefix) : undefined;
    const server = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "/usr/bin/python3",
      argumentList: [join(folder, "stacks.py"), addresses.server, addresses.client, firstPort],
      environment: stackEnvironment(lab, ["python3"], configuration),
    });
    try {
      assert.ok(await waitUntil(() => server.output().includes("ready"), 10_000), server.output());
      if (configuration.driver === "tap") await connectTap(lab, server);
      const found = await runProgram({
        namespace: lab.clientNamespace,
        role: "client",
        command: process.execPath,
        argumentList: [client, addresses.server, firstPort, String(connections)],
        timeoutMs: 90_000,
      });
      assert.equal(found.status, 0, found.stderr);
      assert.deepEqual(JSON.parse(found.stdout.toString()), {
        epoll: connections,
        accept: 20,
        poll: 20,
        udpMain: 30,
        udpThread: 30,
        fragments: 4000,
        calls: "50",
        bind: `${errnoInUse} ${errnoInUse}`,
        refused: 20,
        unreachable: true,
      });
      const stacks = readEachStack(server.pid);
      assert.equal(sum(stacks, "tcpPassiveOpens"), connections + 20 + 20 + 2);
      assert.equal(sum(stacks, "tcpActiveOpens"), 50);
      assert.equal(sum(stacks, "udpIn"), 61);
      assert.equal(sum(stacks, "framesHandedOn") > 0, handsOn);
      for (const { tcpActiveOpens, drops } of stacks) {
        assert.ok(tcpActiveOpens >= 10n, "every stack connects");
        assert.equal(drops.handOverFull, 0n);
      }
      for (const { tcpPassiveOpens } of spreads ? stacks : []) {
        assert.ok(Number(tcpPassiveOpens) > connections / 8, `${tcpPassiveOpens} of ${connections}`);
      }
    } finally {
      await server.stop();
      await ltran?.program.stop();
      lab.remove();
    }
  });
}

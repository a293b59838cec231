/**
 * kni_switch = 1 and a program whose threads run two stacks at a time: memcached, beside the kernel's
 * programs.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { readEachStack } from "../../scripts/lab/stack-counters.js";
import { Capture, kernelCounter, pingOnce, startEcho, talk } from "../ltran/kernel-traffic.js";

const port = 11_211;
const echoPort = 2_222;
const connections = 20;
const values = 2_000;

/** memcslap, again and again until it is told to come to an end. */
class Load {
  readonly #lab: Lab;
  readonly #ended: Promise<(number | null)[]>;
  #goesOn = true;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#ended = this.#run();
  }

  async #run(): Promise<(number | null)[]> {
    const statuses = [];
    while (this.#goesOn || statuses.length === 0) {
      const { status } = await startProgram({
        namespace: this.#lab.clientNamespace,
        role: "client",
        command: "memcslap",
        argumentList: [
          `--servers=${addresses.server}:${port}`,
          `--concurrency=${connections}`,
          `--execute-number=${values}`,
          "--test=get",
        ],
      }).ended;
      statuses.push(status);
    }
    return statuses;
  }

  /** The exit status of each run. */
  finish(): Promise<(number | null)[]> {
    this.#goesOn = false;
    return this.#ended;
  }
}

test("memcached's threads in two stacks, and the kernel", { timeout: 120_000 }, async () => {
  const lab = createLab({ label: "kernel-threads", stack: "gazelle", offloads: "default" });
  const lines = ["kni_switch=1", 'num_cpus="0,1"', "listen_shadow=1"];
  try {
    const memcached = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "memcached",
      argumentList: ["-u", "root", "-l", addresses.server, "-p", String(port), "-U", "0", "-t", "3"],
      environment: stackEnvironment(lab, ["memcached"], { port: "packet", extraLines: lines }),
    });
    await waitForServer(lab, memcached, port);
    const wire = await Capture.start(lab, "client", lab.clientInterface, "tcp[tcpflags] & tcp-rst != 0");
    const servers = [
      await startEcho(lab, "server", addresses.server, echoPort),
      await startEcho(lab, "client", addresses.client, echoPort),
    ];
    const load = new Load(lab);
    await pingOnce(lab, "client", addresses.server);
    await pingOnce(lab, "server", addresses.client, "-I", addresses.server);
    await talk(lab, "client", addresses.server, echoPort);
    await talk(lab, "server", addresses.client, echoPort, addresses.server);
    assert.deepEqual(new Set(await load.finish()), new Set([0]));
    for (const server of servers) await server.stop();
    const resets = (await wire.finish()).filter((line) => line.includes(`.${port}`));
    assert.deepEqual(resets, []);
    assert.equal(kernelCounter(lab, "Tcp.OutRsts"), 0n);
    const stacks = readEachStack(memcached.pid);
    assert.equal(stacks.length, 2);
    for (const { tcpPassiveOpens, drops, framesHandedOn } of stacks) {
      assert.ok(tcpPassiveOpens > 2n, `${tcpPassiveOpens} connections`);
      assert.ok(framesHandedOn > 0n, "the kernel's frames pass both stacks");
      assert.equal(drops.handOverFull, 0n);
    }
    assert.equal((await memcached.stop()).status, 0);
  } finally {
    lab.remove();
  }
});

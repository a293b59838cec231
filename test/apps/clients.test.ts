/** The other way round: client programs on the stack under test, servers on the kernel at the other end. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab, StackKind } from "../../scripts/lab/lab.js";
import { addresses, createLab, snmpCounters } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program, ProgramResult } from "../../scripts/lab/program.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { requireStackLibrary } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { digestOfFile, writeRandomFile } from "./payload.js";
import { stacks } from "./service.js";

const suiteTimeoutMs = 120_000;
const readyTimeoutMs = 15_000;
const largeBytes = 100 << 20;
const peer = addresses.client;
const ports = { redis: 6_379, iperf3: 5_201, sockperf: 11_111, http: 8_000 } as const;

/** The kernel's servers, and how to run a client against them from the other end. */
class Peer {
  readonly folder: string;
  readonly lab: Lab;
  readonly #servers: Program[] = [];

  constructor(lab: Lab) {
    this.lab = lab;
    this.folder = join(temporaryFolder(), lab.label);
    mkdirSync(this.folder);
  }

  async serve(port: number, command: string, argumentList: readonly string[]): Promise<void> {
    const namespace = this.lab.clientNamespace;
    const server = startProgram({ namespace, role: "server", command, argumentList });
    this.#servers.push(server);
    const connects = () =>
      runProgram({
        namespace,
        role: "client",
        command: "bash",
        argumentList: ["-c", `exec 3<>/dev/tcp/${peer}/${port}`],
      }).then(
        () => true,
        () => false,
      );
    assert.ok(await waitUntil(connects, readyTimeoutMs), server.output());
  }

  #accepted(): bigint {
    return counter(snmpCounters(this.lab.clientNamespace), "Tcp.PassiveOpens");
  }

  #localSegments(): bigint {
    const counters = snmpCounters(this.lab.serverNamespace);
    return counter(counters, "Tcp.OutSegs") + counter(counters, "Tcp.InSegs");
  }

  /**
   * Runs a client and asserts that its connections reached the peer, and that on Gazelle the kernel at the
   * client's end took no part.
   */
  async accounted(
    command: string,
    argumentList: readonly string[],
    connections?: number,
  ): Promise<ProgramResult> {
    const [accepted, segments] = [this.#accepted(), this.#localSegments()];
    const result = await runProgram({
      namespace: this.lab.serverNamespace,
      role: "client",
      command,
      argumentList,
      environment: stackEnvironment(this.lab, [command], { port: "packet" }),
      workingFolder: this.folder,
    });
    const made = Number(this.#accepted() - accepted);
    assert.ok(connections === undefined ? made > 0 : made === connections, `${made} connections were made`);
    if (this.lab.stack === "gazelle") {
      assert.equal(this.#localSegments(), segments, "the kernel at the client's end handled segments");
    }
    return result;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    this.lab.remove();
  }
}

/** The kernel's servers that the clients talk to. */
async function startServers(made: Peer): Promise<void> {
  const redis = ["--bind", peer, "--port", String(ports.redis), "--protected-mode", "no"];
  await made.serve(ports.redis, "redis-server", [...redis, "--save", "", "--dir", made.folder]);
  await made.serve(ports.iperf3, "iperf3", ["-s", "-B", peer, "-p", String(ports.iperf3)]);
  await made.serve(ports.sockperf, "sockperf", ["sr", "--tcp", "-i", peer, "-p", String(ports.sockperf)]);
  const http = ["-m", "http.server", "--bind", peer, "--directory", made.folder, String(ports.http)];
  await made.serve(ports.http, "/usr/bin/python3", http);
}

/** @throws Error when the library is missing or a server does not get ready. */
async function startPeer(stack: StackKind): Promise<Peer> {
  if (stack === "gazelle") {
    requireStackLibrary();
  }
  const made = new Peer(createLab({ label: `clients-${stack}`, stack, offloads: "default" }));
  writeRandomFile(join(made.folder, "large"), largeBytes);
  try {
    await startServers(made);
  } catch (error) {
    await made.stop();
    throw error;
  }
  return made;
}

for (const stack of stacks) {
  describe(`clients on ${stack}`, { timeout: suiteTimeoutMs }, () => {
    let started: Peer | Error = new Error("not started");
    const running = (): Peer => {
      if (started instanceof Error) {
        throw started;
      }
      return started;
    };

    before(async () => {
      // An error here would cancel the tests; each of them should fail with it instead.
      started = await startPeer(stack).catch((cause) =>
        cause instanceof Error ? cause : new Error(String(cause)),
      );
    });
    after(async () => {
      if (started instanceof Peer) {
        await started.stop();
      }
    });

    for (const connections of [1, 50]) {
      test(`redis-benchmark with ${connections} connections`, async () => {
        const endpoint = ["-h", peer, "-p", String(ports.redis), "-c", String(connections)];
        const load = ["-t", "set,get", "-n", String(200 * connections), "-q"];
        await running().accounted("redis-benchmark", [...endpoint, ...load]);
      });
    }

    test("redis-benchmark with a new connection per request", async () => {
      const endpoint = ["-h", peer, "-p", String(ports.redis), "-c", "50", "-k", "0"];
      await running().accounted("redis-benchmark", [...endpoint, "-t", "get", "-n", "2000", "-q"]);
    });

    for (const streams of [1, 50]) {
      for (const direction of [[], ["-R"]]) {
        test(`iperf3 with ${[`${streams} streams`, ...direction].join(" ")}`, async () => {
          const load = ["-c", peer, "-p", String(ports.iperf3), "-P", String(streams), "-n", "64M"];
          await running().accounted("iperf3", [...load, ...direction], streams + 1);
        });
      }
    }

    test("sockperf ping-pong", async () => {
      const endpoint = ["--tcp", "-i", peer, "-p", String(ports.sockperf)];
      const result = await running().accounted("sockperf", ["pp", ...endpoint, "-t", "1"], 1);
      assert.match(result.stdout.toString(), /# dropped messages = 0;/);
    });

    test("curl fetches 100 MB byte for byte", async () => {
      const { folder } = running();
      const copy = join(folder, "copy");
      await running().accounted("curl", ["-sSf", "-o", copy, `http://${peer}:${ports.http}/large`], 1);
      assert.equal(digestOfFile(copy), digestOfFile(join(folder, "large")));
    });

    test("wrk with 50 connections", async () => {
      const url = `http://${peer}:${ports.http}/`;
      const result = await running().accounted("wrk", ["-t1", "-c50", "-d1s", url]);
      assert.match(result.stdout.toString(), /[1-9]\d* requests in/);
    });
  });
}

/** The other way round: client programs on the stack under test, servers on the kernel at the other end. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Way, ways } from "./each-stack.js";
import { httpServerArguments } from "./http-server.js";
import { KernelPeer, peerAddress as peer } from "./kernel-peer.js";
import { digestOfFile, writeRandomFile } from "./payload.js";
import { assertComplete, socketSets, sockperfPort, sockperfReady } from "./sockperf-sockets.js";

const suiteTimeoutMs = 120_000;
const largeBytes = 100 << 20;
const parallel = 50;
const ports = { redis: 6_379, iperf3: 5_201, http: 8_000, memcached: 11_211 } as const;
const url = `http://${peer}:${ports.http}`;

/** The kernel's servers that the clients talk to. */
async function startServers(made: KernelPeer): Promise<void> {
  const { folder } = made;
  const redis = ["--bind", peer, "--port", String(ports.redis), "--protected-mode", "no"];
  await made.serve("redis", { port: ports.redis }, "redis-server", [...redis, "--save", "", "--dir", folder]);
  await made.serve("iperf3", { port: ports.iperf3 }, "iperf3", [
    "-s",
    "-B",
    peer,
    "-p",
    String(ports.iperf3),
  ]);
  const memcached = ["-u", "root", "-l", peer, "-p", String(ports.memcached), "-U", "0"];
  await made.serve("memcached", { port: ports.memcached }, "memcached", memcached);
  const http = httpServerArguments(folder, join(folder, "www"), peer, ports.http);
  await made.serve("http", { port: ports.http }, "/usr/bin/python3", http);
  for (const protocol of ["T", "U"] as const) {
    const feed = socketSets(protocol, peer).at(-1)?.select(folder) ?? [];
    const ready = protocol === "T" ? { port: sockperfPort } : { output: sockperfReady };
    await made.serve(`sockperf ${protocol}`, ready, "sockperf", ["sr", ...feed]);
  }
}

/** @throws Error when the library is missing or a server does not get ready. */
async function startPeer(way: Way): Promise<KernelPeer> {
  const made = new KernelPeer(way);
  mkdirSync(join(made.folder, "www"));
  writeRandomFile(join(made.folder, "www", "large"), largeBytes);
  try {
    await made.prepare();
    await startServers(made);
  } catch (error) {
    await made.stop();
    throw error;
  }
  return made;
}

function declareBenchmarks(running: () => KernelPeer): void {
  for (const connections of [1, parallel]) {
    test(`redis-benchmark with ${connections} connections`, async () => {
      const endpoint = ["-h", peer, "-p", String(ports.redis), "-c", String(connections)];
      const load = ["-t", "get", "-n", String(200 * connections), "-q"];
      // It asks for the configuration over a connection of its own.
      await running().accounted("redis", "redis-benchmark", [...endpoint, ...load], {
        connections: connections + 1,
      });
    });

    test(`wrk with ${connections} connections`, async () => {
      // It tests the address with a connection of its own.
      const result = await running().accounted(
        "http",
        "wrk",
        ["-t1", `-c${connections}`, "-d1s", `${url}/`],
        {
          connections: connections + 1,
        },
      );
      assert.match(result.stdout.toString(), /[1-9]\d* requests in/);
    });

    test(`memcslap with ${connections} connections`, async () => {
      const server = `--servers=${peer}:${ports.memcached}`;
      const load = [`--concurrency=${connections}`, "--execute-number=200", "--test=set"];
      await running().accounted("memcached", "memcslap", [server, ...load], { connections });
    });

    for (const direction of [[], ["-R"]]) {
      test(`iperf3 with ${[`${connections} streams`, ...direction].join(" ")}`, async () => {
        const load = ["-c", peer, "-p", String(ports.iperf3), "-P", String(connections), "-n", "64M"];
        await running().accounted("iperf3", "iperf3", [...load, ...direction], {
          connections: connections + 1,
        });
      });
    }
  }

  test("redis-benchmark with a new connection per request", async () => {
    const endpoint = ["-h", peer, "-p", String(ports.redis), "-c", String(parallel), "-k", "0"];
    // It keeps fifty open until the last answer has come, and then leaves those that are just being opened.
    const traffic = { abandoned: parallel };
    await running().accounted(
      "redis",
      "redis-benchmark",
      [...endpoint, "-t", "get", "-n", "2000", "-q"],
      traffic,
    );
  });
}

function declareSockperf(running: () => KernelPeer): void {
  for (const protocol of ["T", "U"] as const) {
    for (const sockets of socketSets(protocol, peer)) {
      test(`sockperf ping-pong over ${protocol === "T" ? "TCP" : "UDP"}, ${sockets.title}`, async () => {
        const load = ["pp", ...sockets.select(running().folder), "-t", "1"];
        const count = protocol === "T" ? { connections: sockets.count } : { datagramSockets: sockets.count };
        const traffic = { ...count, isSlow: true };
        const result = await running().accounted(`sockperf ${protocol}`, "sockperf", load, traffic);
        assertComplete(result.stdout.toString());
      });
    }
  }
}

function declareTransfers(running: () => KernelPeer): void {
  const file = (name: string) => join(running().folder, "www", name);
  const curl = (argumentList: readonly string[]) =>
    running().accounted("http", "curl", ["-sSf", ...argumentList], { connections: 1 });

  test("curl fetches 100 MB byte for byte", async () => {
    await curl(["-o", file("copy"), `${url}/large`]);
    assert.equal(digestOfFile(file("copy")), digestOfFile(file("large")));
  });

  test("curl uploads 100 MB byte for byte", async () => {
    await curl(["-T", file("large"), `${url}/uploaded`]);
    assert.equal(digestOfFile(file("uploaded")), digestOfFile(file("large")));
  });
}

for (const way of ways) {
  describe(way === "ltran" ? "clients behind ltran" : `clients on ${way}`, {
    timeout: suiteTimeoutMs,
  }, () => {
    let started: KernelPeer | Error = new Error("not started");
    const running = (): KernelPeer => {
      if (started instanceof Error) {
        throw started;
      }
      return started;
    };

    before(async () => {
      // An error here would cancel the tests; each of them should fail with it instead.
      started = await startPeer(way).catch((cause) =>
        cause instanceof Error ? cause : new Error(String(cause)),
      );
    });
    after(async () => {
      if (started instanceof KernelPeer) {
        await started.stop();
      }
    });

    declareBenchmarks(running);
    declareSockperf(running);
    declareTransfers(running);
  });
}

/** What gazellectl says of a program on the stack, against what clients did to it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  redisBenchmark,
  redisCommand,
  redisEndpoint,
  redisPort,
  redisService,
} from "../apps/redis-server.js";
import { Service, serverAddress } from "../apps/service.js";
import { gazellectl, numberOf, rowsOf } from "./gazellectl.js";

const connections = 7;
const requests = 700;

function pidOf(of: () => Service): number {
  return of().server.pid;
}

/** Who is there, and what was counted. */
function declareCounts(of: () => Service): void {
  it("lists the instance, and finds it by address, process id and name", async () => {
    const { stdout } = await gazellectl(["lstack", "show"]);
    assert.match(stdout, new RegExp(`^ *${pidOf(of)} +redis-server +${serverAddress}/24 `, "m"));
    for (const target of [String(pidOf(of)), serverAddress, "redis-server"]) {
      const { status, stdout: text, stderr } = await gazellectl(["lstack", "show", target]);
      assert.equal(status, 0, stderr);
      assert.match(text, new RegExp(`^redis-server, process ${pidOf(of)}, ${serverAddress}/24, port `));
      assert.match(text, /^rx_pkts +\d+$/m);
    }
  });

  it("counts connections, requests and their sizes exactly", async () => {
    const opened = await numberOf(pidOf(of), "tcp_passive_open", "-s");
    const [reads, writes] = [await numberOf(pidOf(of), "app_read"), await numberOf(pidOf(of), "app_write")];
    await redisBenchmark(of(), connections, ["-n", String(requests), "-t", "get"]);
    // redis-benchmark asks for the configuration over a connection of its own.
    assert.equal((await numberOf(pidOf(of), "tcp_passive_open", "-s")) - opened, connections + 1);
    const read = (await numberOf(pidOf(of), "app_read")) - reads;
    const written = (await numberOf(pidOf(of), "app_write")) - writes;
    assert.ok(read >= requests && read <= requests + 4, `${read} reads of ${requests} requests`);
    assert.ok(written >= requests && written <= requests + 4, `${written} writes of ${requests} answers`);
    assert.equal(await numberOf(pidOf(of), "fallbacks"), 0);
  });
}

/** The table of connections. */
function declareConnections(of: () => Service): void {
  it("shows a listener and an established connection with its figures", async () => {
    const client = of().startClient("redis-cli", [...redisEndpoint, "BLPOP", "nothing", "20"]);
    try {
      let rows = await rowsOf(pidOf(of), "connections", "-c");
      for (let i = 0; i < 50 && rows.filter(({ state }) => state === "ESTABLISHED").length === 0; i++) {
        rows = await rowsOf(pidOf(of), "connections", "-c");
      }
      const listener = rows.find(({ state }) => state === "LISTEN");
      assert.equal(listener?.local, `${serverAddress}:${redisPort}`);
      const open = rows.filter(({ state }) => state === "ESTABLISHED");
      assert.equal(open.length, 1, JSON.stringify(rows));
      const [one] = open;
      assert.equal(one?.local, `${serverAddress}:${redisPort}`);
      assert.match(String(one?.foreign), /^10\.77\.0\.\d+:\d+$/);
      assert.ok(Number(one?.fd) > 2, `descriptor ${one?.fd}`);
      assert.equal(one?.recvq, 0);
      assert.equal(one?.in_flight, 0);
      assert.equal(one?.retrans, 0);
      // "*3\r\n$5\r\nBLPOP\r\n$7\r\nnothing\r\n$2\r\n20\r\n"
      assert.ok(Number(one?.bytes_in) >= 36, `${one?.bytes_in} bytes read`);
      assert.ok(Number(one?.cwnd) >= Number(one?.mss) && Number(one?.mss) > 500);
      for (const word of ["connect", "connetct"]) {
        assert.equal((await gazellectl(["lstack", "show", String(pidOf(of)), word])).status, 0);
      }
    } finally {
      await client.stop();
    }
  });
}

/** What takes some time to be seen. */
function declareOverTime(of: () => Service): void {
  it("tells rates of a known load", async () => {
    const load = redisBenchmark(of(), 4, ["-n", "60000", "-t", "set", "-d", "1000"]);
    const [row] = await rowsOf(pidOf(of), "rates", "-r");
    await load;
    assert.ok(Number(row?.rx_pkts) > 500, JSON.stringify(row));
    assert.ok(Number(row?.rx_bits) > 8 * 1000 * 500, JSON.stringify(row));
    assert.ok(Number(row?.app_rx_bits) > 0 && Number(row?.app_rx_bits) < Number(row?.rx_bits));
  });

  it("counts a write of a known size in its bucket", async () => {
    await redisCommand(of(), "SET", "six-thousand", "x".repeat(6_000));
    const aggregate = gazellectl(["lstack", "show", String(pidOf(of)), "aggragate", "3", "--json"]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (let i = 0; i < 10; i++) await redisCommand(of(), "GET", "six-thousand");
    const { stdout } = await aggregate;
    const { instances } = JSON.parse(stdout) as { instances: { aggregates: Record<string, number>[] }[] };
    const row = instances[0]?.aggregates[0];
    const sent = (row?.tx_1461_8192 ?? 0) + (row?.tx_513_1460 ?? 0) + (row?.tx_8193_up ?? 0);
    assert.ok((row?.tx_1461_8192 ?? 0) >= 1 && sent <= 10, JSON.stringify(row));
  });
}

/** Protocols, features, devices, settings. */
function declareOthers(of: () => Service, mode: string): void {
  it("shows protocols, features and what the device counts", async () => {
    const protocols = await rowsOf(pidOf(of), "protocols", "-p", "tcp");
    assert.deepEqual(
      protocols.map(({ protocol }) => protocol),
      ["TCP"],
    );
    assert.ok(Number(protocols[0]?.rx) > requests);
    const [features] = await rowsOf(pidOf(of), "features", "-k");
    assert.equal(features?.port, mode === "ltran" ? "ltran" : "packet");
    assert.equal(features?.["tx-tcp-tso"], true);
    const xstats = await rowsOf(pidOf(of), "xstats", "-x");
    assert.ok(xstats.some(({ name, value }) => name === "rx_skipped" && value === 0));
    if (mode === "direct") {
      const received = xstats.find(({ name }) => name === "rx_packets");
      assert.ok(Number(received?.value) > requests, JSON.stringify(xstats));
    }
  });

  it("counts a ping and a datagram that nobody wants", async () => {
    const echos = await numberOf(pidOf(of), "icmp_in_echos", "-s");
    await of().client("ping", ["-q", "-c", "5", "-i", "0.05", "-W", "2", serverAddress]);
    assert.equal((await numberOf(pidOf(of), "icmp_in_echos", "-s")) - echos, 5);
    assert.equal(await numberOf(pidOf(of), "icmp_out_echo_reps", "-s"), echos + 5);
    const lost = await numberOf(pidOf(of), "udp_no_ports", "-s");
    const send = `import socket; socket.socket(2, 2).sendto(b"x", ("${serverAddress}", 9))`;
    await of().client("python3", ["-c", send]);
    // ltran answers in the name of a program that has no such port.
    assert.equal((await numberOf(pidOf(of), "udp_no_ports", "-s")) - lost, mode === "direct" ? 1 : 0);
  });

  it("switches low power mode on and off", async () => {
    for (const value of ["1", "0"]) {
      const { status, stderr } = await gazellectl(["lstack", "set", String(pidOf(of)), "lowpower", value]);
      assert.equal(status, 0, stderr);
      const [row] = await rowsOf(pidOf(of), "stacks");
      assert.equal(row?.low_power_mode, value === "1");
      assert.equal(await redisCommand(of(), "PING"), "PONG");
    }
  });
}

for (const mode of ["direct", "ltran"] as const) {
  describe(`gazellectl lstack show, ${mode} mode`, { timeout: 120_000 }, () => {
    let service: Service;
    before(async () => {
      const ltran = mode === "ltran" ? {} : undefined;
      service = await Service.start({ ...redisService, label: `ctl-${mode}`, stack: "gazelle", ltran });
    });
    after(() => service.stop());
    const of = () => service;
    declareCounts(of);
    declareConnections(of);
    declareOverTime(of);
    declareOthers(of, mode);
  });
}

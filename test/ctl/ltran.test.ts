/** What gazellectl says of ltran, against what went through it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../scripts/lab/command.js";
import { redisBenchmark, redisEndpoint, redisPort, redisService } from "../apps/redis-server.js";
import { Service, serverAddress } from "../apps/service.js";
import { documentOf, gazellectl, type Rows } from "./gazellectl.js";

const connections = 5;

function prefixOf(of: () => Service): string {
  return of().ltran?.prefix ?? "";
}

async function rows(of: () => Service, sheet: string, ...words: string[]): Promise<Rows> {
  return (await documentOf("-u", prefixOf(of), "ltran", "show", ...words))[sheet] as Rows;
}

/** What went through its device. */
function declareFrames(of: () => Service): void {
  it("shows the frames of its device: ARP, TCP and ICMP as they were", async () => {
    const [earlier] = await rows(of, "nics");
    await of().client("ping", ["-q", "-c", "7", "-i", "0.05", "-W", "2", serverAddress]);
    await redisBenchmark(of(), connections, ["-n", "500", "-t", "get"]);
    const [later] = await rows(of, "nics");
    const grown = (name: string) => Number(later?.[name]) - Number(earlier?.[name]);
    assert.equal(grown("icmp_pkts"), 7);
    assert.ok(grown("tcp_pkts") >= 500, `${grown("tcp_pkts")} segments`);
    const kinds = grown("arp_pkts") + grown("tcp_pkts") + grown("udp_pkts") + grown("icmp_pkts");
    assert.ok(kinds <= grown("rx_pkts") && kinds >= grown("rx_pkts") - 20, "other frames are rare");
    assert.ok(grown("rx_bytes") > 500 * 60 && grown("tx_bytes") > 500 * 60);
  });

  it("shows rates and bursts while a load runs", async () => {
    const load = redisBenchmark(of(), connections, ["-n", "80000", "-t", "get"]);
    const [rates, bursts] = await Promise.all([rows(of, "rates", "-r"), rows(of, "bursts", "-b")]);
    await load;
    assert.ok(Number(rates[0]?.rx_pkts) > 500, JSON.stringify(rates));
    assert.equal(bursts.length, 64);
    const percent = bursts.reduce((sum, row) => sum + Number(row.percent), 0);
    assert.ok(Math.abs(percent - 100) < 0.01, `${percent} %`);
    assert.ok(bursts.reduce((sum, row) => sum + Number(row.count), 0) > 50);
  });
}

/** Who is there. */
function declareTables(of: () => Service): void {
  it("shows the listener, and every connection while it is there", async () => {
    const clients = Array.from({ length: connections }, () =>
      of().startClient("redis-cli", [...redisEndpoint, "BLPOP", "nothing", "20"]),
    );
    try {
      const open = async () => {
        const flows = await rows(of, "connections", "-t", "conntable");
        return flows.filter(({ state }) => state === "established");
      };
      assert.ok(await waitUntil(async () => (await open()).length === connections, 3_000));
      for (const flow of await open()) {
        assert.deepEqual(
          [flow.pid, flow.protocol, flow.dst_ip, flow.dst_port],
          [of().server.pid, "TCP", serverAddress, redisPort],
        );
        assert.match(String(flow.src_ip), /^10\.77\.0\.\d+$/);
      }
      const sockets = await rows(of, "sockets", "-t", "socktable");
      assert.equal(sockets.length, 1);
      assert.deepEqual(
        [sockets[0]?.pid, sockets[0]?.listen_ip, sockets[0]?.listen_port],
        [of().server.pid, serverAddress, redisPort],
      );
      assert.ok(Number(sockets[0]?.conn_num) >= connections);
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
  });

  it("lists who is registered, as text and as JSON", async () => {
    const { stdout } = await gazellectl(["-u", prefixOf(of), "ltran", "show", "instance"]);
    assert.match(stdout, new RegExp(`^ *${of().server.pid} +0 +redis-server +${serverAddress} +1/1 `, "m"));
    const document = await documentOf("-u", prefixOf(of), "ltran", "show", "-i");
    assert.equal((document.instances as { pid: number }[])[0]?.pid, of().server.pid);
  });

  it("says that it measures no latencies", async () => {
    const { status, stdout, stderr } = await gazellectl(["-u", prefixOf(of), "ltran", "show", "-l"]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /measures no latencies yet/);
  });

  it("says more, or less, as it is told", async () => {
    const level = async () => (await documentOf("-u", prefixOf(of), "ltran", "show", "-i")).logLevel;
    assert.equal(await level(), "info");
    for (const wanted of ["error", "debug", "info"]) {
      assert.equal((await gazellectl(["-u", prefixOf(of), "ltran", "set", "loglevel", wanted])).status, 0);
      assert.equal(await level(), wanted);
    }
  });
}

describe("gazellectl ltran", { timeout: 120_000 }, () => {
  let service: Service;
  before(async () => {
    service = await Service.start({ ...redisService, label: "ctl-of-ltran", stack: "gazelle", ltran: {} });
  });
  after(() => service.stop());
  declareFrames(() => service);
  declareTables(() => service);
});

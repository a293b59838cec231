/** IPv6 through ltran: hosts that speak memif, the kernel's programs, and what they may not say. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { placeOf } from "../../ltran/daemon/place.js";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { runInside, setSysctls } from "../../scripts/lab/namespaces.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { startRedis } from "./accelerated.js";
import { addSecondLink, backupLink } from "./two-links.js";

const timeout = 60_000;
const peer = "2001:db8::2";
const own = { id: 0, address: "2001:db8::20" };
const other = { id: 1, address: "2001:db8::30" };
const miimonMs = 100;
const resumeMs = 3 * miimonMs + 100;

let lab: Lab;
let ltran: Daemon;
let host: Program;

function start(mode: string, { id, address }: typeof own, ...more: string[]): Program {
  const script = inRoot("test", "ltran", "memif_host.py");
  const socket = placeOf(ltran.prefix).memif;
  return startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "python3",
    argumentList: [script, mode, socket, String(id), addresses.serverMac, address, ...more],
  });
}

/** Runs a Python script of the kernel's stack; what it printed. */
async function inClient(script: string, ...words: string[]): Promise<string> {
  const { stdout } = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "python3",
    argumentList: ["-c", script, ...words],
  });
  return stdout.toString().trim();
}

async function ping(address: string, count: number, ...more: string[]): Promise<string> {
  const { stdout } = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "ping",
    argumentList: ["-6", "-q", "-c", String(count), "-W", "2", ...more, address],
  });
  return stdout.toString();
}

before(async () => {
  lab = createLab({ label: "ipv6", stack: "gazelle", offloads: "default" });
  addSecondLink(lab);
  setSysctls(lab.clientNamespace, { "net.ipv6.conf.bridge0.disable_ipv6": "0" });
  runInside(lab.clientNamespace, "ip", "address", "add", `${peer}/64`, "dev", "bridge0", "nodad");
  ltran = await startLtran(lab, {
    devices: `"${lab.serverInterface},${backupLink.server}"`,
    bond_ports: '"0x3"',
    bond_miimon: String(miimonMs),
    dispatch_subnet6: '"2001:db8::/64"',
    memif_clients: `"${own.id}=${own.address},${other.id}=${other.address},2=10.77.0.20"`,
  });
  host = start("serve", own);
  assert.ok(await waitUntil(() => /connected/.test(host.output()), 5_000), host.output());
});
after(async () => {
  await host?.stop();
  await ltran?.program.stop();
  lab.remove();
});

describe("a host with IPv6 behind ltran", { timeout }, () => {
  test("is found by the kernel's neighbour discovery, and answers pings of every size", async () => {
    assert.match(
      await ping(own.address, 200, "-i", "0.002", "-s", "1000"),
      /200 packets transmitted, 200 received/,
    );
    const neighbours = runInside(
      lab.clientNamespace,
      "ip",
      "-6",
      "neighbour",
      "show",
      own.address,
    ).toString();
    assert.match(neighbours, new RegExp(addresses.serverMac));
    const { instances } = await ltran.report();
    assert.deepEqual(
      instances.map(({ address }) => address),
      [own.address],
    );
  });

  test("is reached by UDP and TCP, with many connections at once", async () => {
    const datagrams = `import socket,sys
s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.settimeout(5)
good=0
for i in range(200):
    s.sendto(b"%d"%i*100,(sys.argv[1],9)); good+=s.recv(2000)==b"%d"%i*100
print(good)`;
    assert.equal(await inClient(datagrams, own.address), "200");
    const connections = `import socket,sys
s=[socket.create_connection((sys.argv[1],7),5) for i in range(50)]
good=0
for i,c in enumerate(s): c.sendall(b"%d"%i*300)
for i,c in enumerate(s):
    got=b""
    while len(got)<len(b"%d"%i*300): got+=c.recv(4000)
    good+=got==b"%d"%i*300
    c.shutdown(1); good+=c.recv(10)==b""; c.close()
print(good)`;
    assert.equal(await inClient(connections, own.address), "100");
    assert.doesNotMatch(host.output(), /wrong checksum/);
  });

  test("a program with IPv4 is not disturbed by it, and serves beside it", async () => {
    const redis = await startRedis(lab, { prefix: ltran.prefix, address: addresses.server });
    const load = ping(own.address, 300, "-i", "0.002");
    const { stdout } = await runProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "redis-benchmark",
      argumentList: ["-h", addresses.server, "-n", "5000", "-c", "10", "-t", "get", "-q"],
    });
    assert.match(stdout.toString(), /GET/);
    assert.match(await load, /300 packets transmitted, 300 received/);
    await redis.stop();
  });
});

describe("hosts with IPv6 behind ltran", { timeout }, () => {
  test("find each other there", async () => {
    const second = start("ask", other, own.address);
    const { stdout } = await second.ended;
    assert.match(stdout.toString(), new RegExp(`answered by ${addresses.serverMac}`));
  });

  test("say nothing that is not their own: neighbours learn nothing, everything is counted", async () => {
    const liar = start("lie", other, peer);
    assert.ok(await waitUntil(() => /lied/.test(liar.output()), 5_000), liar.output());
    const stack = async () =>
      (await ltran.report()).instances.find(({ address }) => address === other.address)?.stacks[0];
    assert.ok(await waitUntil(async () => ((await stack())?.counters.framesIn ?? 0) >= 400, 5_000));
    const { drops } = (await stack()) ?? { drops: {} as Record<string, number> };
    assert.deepEqual([drops.foreignNeighbour, drops.foreignAddress], [300, 100]);
    await liar.stop();
    assert.match(await ping(own.address, 3, "-i", "0.1"), /3 received/);
    const routes = runInside(lab.clientNamespace, "ip", "-6", "route", "show", "default").toString();
    assert.equal(routes, "");
  });

  test("are found by way of the other link when one is lost", async () => {
    const pings = ping(own.address, 400, "-i", "0.005");
    await pause(300);
    runInside(lab.serverNamespace, "ip", "link", "set", lab.serverInterface, "down");
    const output = await pings;
    const [, received = "0"] = /transmitted, (\d+) received/.exec(output) ?? [];
    // 400 in two seconds: what the switch takes is lost, no more.
    assert.ok(Number(received) >= 400 - (resumeMs * 2) / 5, output);
    assert.ok(((await ltran.report()).counters.announcedAddresses ?? 0) >= 1);
    runInside(lab.serverNamespace, "ip", "link", "set", lab.serverInterface, "up");
  });

  test("are gone with their connections when they end", async () => {
    await host.stop();
    const isGone = async () => (await ltran.report()).instances.length === 0;
    assert.ok(await waitUntil(isGone, 5_000));
    const connect = `import socket,sys
try: socket.create_connection((sys.argv[1],7),5)
except OSError as e: print(type(e).__name__)`;
    assert.equal(await inClient(connect, own.address), "ConnectionRefusedError");
  });
});

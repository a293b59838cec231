/** A server of several worker processes, which share the address and the listeners that their master made. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inRoot } from "../../scripts/build/paths.js";
import { pause, run, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { type Daemon, startLtran } from "../../scripts/lab/ltran.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { startAccelerated } from "./accelerated.js";

const timeout = 90_000;
const patienceMs = 10_000;
const port = 80;
const workers = 2;
const requests = 60;

let lab: Lab;

before(() => {
  lab = createLab({ label: "workers", stack: "gazelle", offloads: "default" });
});
after(() => lab.remove());

/** Writes the configuration of an nginx that answers each request with the worker's process id. */
function configure(name: string, listen: string): readonly string[] {
  const folder = join(temporaryFolder(), `workers-${name}`);
  mkdirSync(folder, { recursive: true });
  const text = `
daemon off;
user www-data;
worker_processes ${workers};
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  access_log off;
  server {
    listen ${listen};
    location / { return 200 "$pid\\n"; }
  }
}
`;
  writeFileSync(join(folder, "nginx.conf"), text);
  return ["-c", join(folder, "nginx.conf"), "-e", "stderr"];
}

/** Who answered, and how often; each request has a connection of its own. */
async function askMany(): Promise<Map<string, number>> {
  const url = `http://${addresses.server}:${port}/`;
  const asked = await runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "bash",
    argumentList: ["-c", `for i in $(seq ${requests}); do curl -sS -m 5 ${url} || echo failed; done`],
    timeoutMs: 60_000,
  });
  const found = new Map<string, number>();
  for (const who of asked.stdout.toString().trim().split("\n")) found.set(who, (found.get(who) ?? 0) + 1);
  return found;
}

function sorted(pids: Iterable<string>): number[] {
  return [...pids].map(Number).sort((first, second) => first - second);
}

async function registered(ltran: Daemon): Promise<number[]> {
  return sorted((await ltran.report()).instances.map(({ pid }) => String(pid)));
}

function startBehind(
  ltran: Daemon,
  name: string,
  listen: string,
  extraLines: readonly string[] = [],
): Program {
  return startAccelerated(lab, "nginx", configure(name, listen), {
    prefix: ltran.prefix,
    address: addresses.server,
    extraLines,
  });
}

const allow = { allow_uids: `"${run("id", ["-u", "www-data"]).toString().trim()}"` };

describe("workers behind ltran", { timeout }, () => {
  for (const [name, listen, extraLines] of [
    ["address", `${addresses.server}:${port}`, []],
    ["any", `${port}`, []],
    ["reuseport", `${addresses.server}:${port} reuseport`, []],
    ["stacks", `${addresses.server}:${port}`, ['num_cpus="0,1"', "listen_shadow=1"]],
  ] as const) {
    test(`all are served, and replaced when they are killed (${name})`, async () => {
      const ltran = await startLtran(lab, allow, `gz-${process.pid}-w-${name}-`);
      const nginx = startBehind(ltran, name, listen, extraLines);
      const areThere = async () => (await registered(ltran)).length === workers;
      assert.ok(await waitUntil(areThere, patienceMs), nginx.output());
      const first = await askMany();
      assert.deepEqual(sorted(first.keys()), await registered(ltran), nginx.output());
      for (const [pid, count] of first) assert.ok(count >= requests / 6, `${pid} answered ${count} times`);
      const [killed = 0, stays = 0] = await registered(ltran);
      process.kill(killed, "SIGKILL");
      const isReplaced = async () => {
        const now = await registered(ltran);
        return now.length === workers && now.includes(stays) && !now.includes(killed);
      };
      assert.ok(await waitUntil(isReplaced, patienceMs), nginx.output());
      const second = await askMany();
      assert.deepEqual(sorted(second.keys()), await registered(ltran), nginx.output());
      await nginx.stop();
      await ltran.program.stop();
    });
  }
});

/** Asks over connections, and by datagrams of as many sockets; both print who answered. */
const asker = `
import collections, json, socket
counts = {}
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    found = collections.Counter()
    for _ in range(${requests}):
        with socket.socket(socket.AF_INET, kind) as made:
            made.settimeout(5)
            made.connect(("${addresses.server}", ${port}))
            if kind == socket.SOCK_DGRAM:
                made.send(b"who")
            found[made.recv(100).decode()] += 1
    counts[kind.name] = found
print(json.dumps(counts))
`;

describe("children behind ltran", { timeout }, () => {
  test("all that wait for inherited sockets are served, with the sockets' options", async () => {
    const children = 3;
    const ltran = await startLtran(lab, {}, `gz-${process.pid}-w-prefork-`);
    const script = inRoot("test", "ltran", "prefork.py");
    const server = startAccelerated(lab, "/usr/bin/python3", [script, addresses.server, String(port), "3"], {
      prefix: ltran.prefix,
      address: addresses.server,
    });
    const areThere = async () => (await registered(ltran)).length === children;
    assert.ok(await waitUntil(areThere, patienceMs), server.output());
    const asked = await runProgram({
      namespace: lab.clientNamespace,
      role: "client",
      command: "python3",
      argumentList: ["-c", asker],
    });
    const counts = JSON.parse(asked.stdout.toString()) as Record<string, Record<string, number>>;
    for (const [kind, found] of Object.entries(counts)) {
      assert.deepEqual(sorted(Object.keys(found)), await registered(ltran), JSON.stringify(counts[kind]));
    }
    await server.stop();
    await ltran.program.stop();
  });
});

describe("workers with a device", { timeout }, () => {
  test("the first has it, the second says why it does not, and the service goes on", async () => {
    const nginx = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "nginx",
      argumentList: configure("device", `${addresses.server}:${port}`),
      environment: stackEnvironment(lab, ["nginx"], { port: "packet" }),
    });
    const message =
      /process \d+ serves the sockets of the stack, process \d+ does not: .*use one worker process/;
    assert.ok(await waitUntil(() => message.test(nginx.output()), patienceMs), nginx.output());
    await pause(200);
    const answers = await askMany();
    assert.equal(answers.size, 1, nginx.output());
    assert.ok(!answers.has("failed"), nginx.output());
    await nginx.stop();
  });
});

/** The port `dpdk` over DPDK's virtual drivers: what it leaves alone, how it fails, what stays behind. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run, waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type DpdkDriver, stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { inside, runInside } from "../../scripts/lab/namespaces.js";
import { runProgram } from "../../scripts/lab/program.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { assertRefused, Probe, startProbe, writeConfiguration } from "./probe.js";

const drivers: readonly DpdkDriver[] = ["af_packet", "af_xdp", "tap"];
const markerFolder = "/var/run/gazelle";

function configuration(driver: DpdkDriver) {
  return { port: "dpdk", driver } as const;
}

/** The number of the XDP program on the server's interface; undefined: there is none. */
function xdpProgram(lab: Lab): string | undefined {
  const text = runInside(lab.serverNamespace, "ip", "link", "show", lab.serverInterface).toString();
  return /prog\/xdp id (\d+)/.exec(text)?.[1];
}

function markers(id: string | undefined): string[] {
  // The folder goes with the last thing in it.
  if (!existsSync(markerFolder)) return [];
  return readdirSync(markerFolder).filter((name) => name.startsWith(`xdp-${id}-`));
}

/** The environment for a configuration whose EAL arguments are given. */
function environmentOf(label: string, vdev: string, ...further: string[]): Record<string, string> {
  const list = ["--no-huge", "--no-shconf", "-m", "128", "--no-pci", "--no-telemetry", "--vdev", vdev];
  const file = writeConfiguration(label, [
    `dpdk_args=[${list.map((text) => JSON.stringify(text)).join(", ")}]`,
    `host_addr="${addresses.server}"`,
    `mask_addr="${addresses.mask}"`,
    ...further,
  ]);
  return { ...preloadEnvironment(), GAZELLE_BIND_PROCNAME: "python3", LSTACK_CONF_PATH: file };
}

for (const driver of drivers) {
  test(`${driver}: threads, affinity, signals, syslog and output are the application's`, async () => {
    const probe = await Probe.start({
      label: `own-${driver.replace("_", "")}`,
      configuration: configuration(driver),
    });
    try {
      const before = probe.stateAtStart();
      const after = await probe.state();
      assert.equal(Object.keys(before.own).length, 2);
      assert.deepEqual(after.own, before.own);
      assert.deepEqual(after.handlers, before.handlers);
      assert.deepEqual(before.others, []);
      assert.ok(after.others.includes("gazelle-eal"), `EAL runs on a thread of its own: ${after.others}`);
      assert.equal(await probe.ask("log"), "log");
      const { status, stdout, stderr } = await probe.quit();
      assert.equal(status, 0);
      assert.equal(stdout.toString().trimEnd().split("\n").length, 1, stdout.toString());
      assert.equal(stderr.trimEnd(), "probe: as before");
    } finally {
      await probe.stop();
    }
  });
}

for (const driver of drivers) {
  test(`${driver}: packets in fragments arrive, and are answered in fragments`, async () => {
    const probe = await Probe.start({
      label: `parts-${driver.replace("_", "")}`,
      configuration: configuration(driver),
    });
    try {
      const load = ["-c", "3", "-i", "0.05", "-W", "2", "-s", "4000", addresses.server];
      const report = (await probe.client("ping", load)).stdout.toString();
      assert.match(report, / 3 received/);
      assert.doesNotMatch(report, /wrong data byte/);
    } finally {
      await probe.stop();
    }
  });
}

const refusals: readonly (readonly [string, string, readonly RegExp[], ...string[]])[] = [
  ["an unknown driver", "net_nonsense0", [/port dpdk: .*check dpdk_args/, /net_nonsense0/]],
  [
    "a missing interface",
    "net_af_packet0,iface=missing0",
    [/port dpdk: no device; check iface/, /net_af_packet0.*No such device/],
  ],
  [
    "a missing interface of af_xdp",
    "net_af_xdp0,iface=missing0",
    [/port dpdk: no device; check iface/, /missing0/],
  ],
  [
    "an interface with fewer queues than stacks",
    "net_af_xdp0,iface=server0",
    [/queue_count=2, a queue for each stack/, /port dpdk: no device; .*a queue for each stack: ethtool -l/],
    "stack_num=2",
    "memory=32",
  ],
  [
    "a driver with fewer queues than stacks",
    "net_tap0,iface=gztap0",
    [/port dpdk: a device of net_tap has 16 queues, and there are 17 stacks; set num_cpus or stack_num/],
    "stack_num=17",
    "memory=32",
  ],
];

for (const [index, [title, vdev, parts, ...further]] of refusals.entries()) {
  test(`${title} ends the program with cause and remedy`, async () => {
    const lab = createLab({ label: `refused${index}`, stack: "gazelle", offloads: "equal", queues: 1 });
    const environment = environmentOf(`refused${index}`, vdev, ...further);
    try {
      const program = startProbe(lab, { label: "", configuration: configuration("af_packet"), environment });
      assertRefused(await program.ended, parts);
    } finally {
      lab.remove();
    }
  });
}

test("a child cannot have its parent's device, and is told", async () => {
  const lab = createLab({ label: "child", stack: "gazelle", offloads: "equal" });
  const script = [
    "import os, socket",
    "listener = socket.socket()",
    `listener.bind(("${addresses.server}", 7007))`,
    "listener.listen()",
    "if os.fork() == 0: listener.accept()",
    "print(os.waitstatus_to_exitcode(os.wait()[1]))",
  ].join("\n");
  try {
    const { status, stdout, stderr } = await runProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "/usr/bin/python3",
      argumentList: ["-c", script],
      environment: stackEnvironment(lab, ["python3"], configuration("af_packet")),
    });
    assert.deepEqual([status, stdout.toString()], [0, "1\n"]);
    assert.match(stderr, /port dpdk: the device stays with the parent, .*master_process off/);
  } finally {
    lab.remove();
  }
});

test("an XDP program that a killed process left is taken off, and a normal end leaves none", async () => {
  const options = { label: "stale", configuration: configuration("af_xdp") } as const;
  const killed = await Probe.start(options);
  try {
    const stale = xdpProgram(killed.lab);
    killed.program.signal("SIGKILL");
    await killed.program.ended;
    assert.ok(stale !== undefined);
    assert.equal(xdpProgram(killed.lab), stale, "the kernel keeps the program");
    const next = await Probe.start(options, killed.lab);
    const own = xdpProgram(next.lab);
    assert.ok(own !== undefined && own !== stale, `${stale}, then ${own}`);
    assert.deepEqual(markers(stale), []);
    assert.equal((await next.quit()).status, 0);
    assert.equal(xdpProgram(next.lab), undefined);
    assert.deepEqual(markers(own), []);
  } finally {
    await killed.stop();
  }
});

test("an XDP program that nobody proves to be ours stays", async () => {
  const options = { label: "foreign", configuration: configuration("af_xdp") } as const;
  const killed = await Probe.start(options);
  try {
    const program = xdpProgram(killed.lab);
    killed.program.signal("SIGKILL");
    await killed.program.ended;
    for (const name of markers(program)) unlinkSync(join(markerFolder, name));
    const next = await Probe.start(options, killed.lab);
    await next.quit();
    assert.ok(program !== undefined);
    assert.equal(xdpProgram(next.lab), program);
  } finally {
    await killed.stop();
  }
});

test("a second process on the same queue is refused, and the first one works on", async () => {
  const options = { label: "busy", configuration: configuration("af_xdp") } as const;
  const probe = await Probe.start(options);
  try {
    const second = startProbe(probe.lab, options);
    assertRefused(await second.ended, [/XDP program/, /ip link set dev IFACE xdp off/]);
    assert.equal(await probe.ask("still-there"), "still-there");
  } finally {
    await probe.stop();
  }
});

test("an AF_XDP queue can be opened again right after it was closed", async () => {
  const options = { label: "again", configuration: configuration("af_xdp") } as const;
  const first = await Probe.start(options);
  try {
    for (let round = 0; round < 3; round++) {
      const probe = round === 0 ? first : await Probe.start(options, first.lab);
      assert.equal(await probe.ask(`round-${round}`), `round-${round}`);
      await probe.quit();
    }
  } finally {
    await first.stop();
  }
});

const bigLine = `exec 3<>/dev/tcp/${addresses.server}/7007
head -c 300000 /dev/zero | tr '\\0' x >&3; echo >&3; head -c 300001 <&3 | wc -c`;

test("frames that af_packet cuts off are counted, and the remedy is said once", async () => {
  const probe = await Probe.start({
    label: "cut",
    configuration: configuration("af_packet"),
    offloads: "default",
  });
  try {
    const transfer = probe.client("bash", ["-c", bigLine]);
    const said = () => probe.program.output().includes("ethtool -K");
    assert.ok(await waitUntil(said, 10_000), "nothing was said");
    assert.ok(readStackCounters(probe.program.pid).drops.truncated > 0n);
    const offloads = ["tx", "off", "tso", "off", "gso", "off"];
    await probe.client("ethtool", ["-K", probe.lab.clientInterface, ...offloads]);
    assert.equal((await transfer).stdout.toString().trim(), "300001");
    assert.equal(probe.program.output().match(/ethtool -K DEVICE tx off tso off gso off/g)?.length, 1);
  } finally {
    await probe.stop();
  }
});

test("DPDK uses huge pages when they are reserved", async () => {
  const setting = "/proc/sys/vm/nr_hugepages";
  const before = readFileSync(setting, "latin1").trim();
  writeFileSync(setting, String(Number(before) + 128));
  try {
    const probe = await Probe.start({ label: "huge", configuration: configuration("af_packet") });
    try {
      const status = readFileSync(`/proc/${probe.program.pid}/status`, "latin1");
      const kilobytes = Number(/^HugetlbPages:\s+(\d+) kB/m.exec(status)?.[1]);
      assert.ok(kilobytes > 0, status);
      assert.equal(await probe.ask("over-huge-pages"), "over-huge-pages");
    } finally {
      await probe.stop();
    }
  } finally {
    writeFileSync(setting, before);
  }
});

for (const stacks of [1, 2]) {
  test(`a device without descriptor and interrupt is looked at (memif, queues: ${stacks})`, async () => {
    const lab = createLab({ label: "memif", stack: "gazelle", offloads: "equal" });
    const path = join("/tmp", `gz-${process.pid}-memif.sock`);
    const memif = (role: string, mac: string) =>
      `net_memif0,role=${role},socket-abstract=no,socket=${path},mac=${mac}`;
    const lines = [`stack_num=${stacks}`, "listen_shadow=1"];
    const environment = environmentOf("memif-server", memif("server", addresses.serverMac), ...lines);
    const clientEnvironment = environmentOf("memif-client", memif("client", addresses.clientMac), ...lines);
    const clientFile = clientEnvironment.LSTACK_CONF_PATH ?? "";
    const text = readFileSync(clientFile, "utf8");
    writeFileSync(clientFile, text.replace(addresses.server, addresses.client));
    const script = [
      "import socket, time",
      `client = socket.create_connection(("${addresses.server}", 7007), 10)`,
      "for index in range(50):",
      "    client.sendall(b'%d\\n' % index)",
      "    assert client.recv(100) == b'%d\\n' % index",
      "    time.sleep(0.002)",
      "print('echoed')",
    ].join("\n");
    const server = startProbe(lab, { label: "", configuration: configuration("af_packet"), environment });
    try {
      const isUp = () => readdirSync("/tmp").includes(`gz-${process.pid}-memif.sock`);
      assert.ok(await waitUntil(isUp, 10_000), server.output());
      const assignments = Object.entries(clientEnvironment).map(([name, value]) => `${name}=${value}`);
      const client = inside(lab.serverNamespace, "env", ...assignments, "/usr/bin/python3", "-c", script);
      const answer = run(...client, { timeoutMs: 20_000 });
      assert.equal(answer.toString().trim(), "echoed");
    } finally {
      await server.stop();
      lab.remove();
      if (readdirSync("/tmp").includes(`gz-${process.pid}-memif.sock`)) unlinkSync(path);
    }
  });
}

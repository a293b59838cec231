/** A user without privileges but for three capabilities, over the packet port and over DPDK. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import type { ConfigurationOptions } from "../../scripts/lab/lstack-conf.js";
import { stackConfiguration } from "../../scripts/lab/lstack-conf.js";
import { repositoryRoot, requireStackLibrary } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { createProbeLab, Probe, writeConfiguration } from "./probe.js";

/** nobody and nogroup. */
const user = 65_534;
const capabilities = ["net_raw", "net_admin", "ipc_lock"];
/** CAP_NET_ADMIN, CAP_NET_RAW and CAP_IPC_LOCK as /proc shows them. */
const capabilityBits = (1n << 12n) | (1n << 13n) | (1n << 14n);
const libraries = ["liblstack.so", "liblstack-engine.so", "liblstack-dpdk.so"];

/** A clone may lie where only root can read: the libraries as an installation has them. */
function installLibraries(): string {
  requireStackLibrary();
  const folder = join(temporaryFolder(), "lib");
  mkdirSync(folder, { recursive: true });
  for (const name of libraries) {
    cpSync(join(repositoryRoot, "build", name), join(folder, name));
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function lowerPrivileges(): string[] {
  const grown = capabilities.map((name) => `+${name}`).join(",");
  const identity = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return [
    "setpriv",
    ...identity,
    `--inh-caps=-all,${grown}`,
    `--ambient-caps=-all,${grown}`,
    `--bounding-set=-all,${grown}`,
  ];
}

/** A folder of the user's own, as a login makes it. */
function runtimeFolder(label: string): string {
  const folder = join(temporaryFolder(), `run-${label}`);
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, user, user);
  return folder;
}

/** The paths of everything but folders. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.path, entry.name));
}

/** What the control socket answers to a process of this user. */
function askControlSocket(path: string): string {
  const script = [
    "import socket, sys",
    "control = socket.socket(socket.AF_UNIX)",
    "control.connect(sys.argv[1])",
    "control.sendall(b'gazelle 1 counters\\n')",
    "sys.stdout.write(control.makefile('rb').readline().decode())",
  ].join("\n");
  const identity = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return run("setpriv", [...identity, "/usr/bin/python3", "-c", script, path]).toString();
}

async function startProbe(
  label: string,
  configuration: ConfigurationOptions,
  wrapper: readonly string[] = [],
): Promise<[Probe, string]> {
  const options = { label, configuration };
  const lab = createProbeLab(options);
  const file = writeConfiguration(label, [stackConfiguration(lab.serverInterface, configuration)]);
  const runtime = runtimeFolder(label);
  const environment = {
    LD_PRELOAD: join(installLibraries(), "liblstack.so"),
    GAZELLE_BIND_PROCNAME: "python3",
    LSTACK_CONF_PATH: file,
    XDG_RUNTIME_DIR: runtime,
  };
  return [
    await Probe.start({ ...options, environment, wrapper: [...wrapper, ...lowerPrivileges()] }, lab),
    runtime,
  ];
}

function assertLowered(pid: number): void {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
  for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
    const bits = new RegExp(`^${set}:\\s+([0-9a-f]+)$`, "m").exec(status)?.[1];
    assert.equal(BigInt(`0x${bits}`), capabilityBits, set);
  }
}

const configurations: readonly ConfigurationOptions[] = [
  { port: "packet" },
  { port: "dpdk", driver: "af_packet" },
];

for (const configuration of configurations) {
  const title = configuration.port === "packet" ? "packet" : "dpdk af_packet";
  test(`${title}: CAP_NET_RAW, CAP_NET_ADMIN and CAP_IPC_LOCK are enough`, async () => {
    const [probe, runtime] = await startProbe(`low-${configuration.port}`, configuration);
    try {
      const { pid } = probe.program;
      assertLowered(pid);
      assert.equal(await probe.ask("as-nobody"), "as-nobody");
      const socket = join(runtime, "gazelle", `${pid}.sock`);
      // DPDK makes its folder, and nothing in it: its memory and its configuration have no names.
      assert.deepEqual(filesBelow(runtime), [socket]);
      const { mode, uid } = statSync(socket);
      assert.deepEqual([mode & 0o777, uid], [0o600, user]);
      const facts = JSON.parse(askControlSocket(socket)) as { pid: number; port: string };
      assert.deepEqual([facts.pid, facts.port], [pid, configuration.port]);
      assert.equal((await probe.quit()).status, 0);
      assert.ok(!existsSync(socket));
    } finally {
      await probe.stop();
    }
  });
}

test("without XDG_RUNTIME_DIR everything is below /tmp", async () => {
  const configuration: ConfigurationOptions = { port: "dpdk", driver: "af_packet" };
  const existed = existsSync("/tmp/dpdk");
  const [probe, runtime] = await startProbe("low-tmp", configuration, ["env", "-u", "XDG_RUNTIME_DIR"]);
  try {
    const socket = `/tmp/gazelle-${user}/${probe.program.pid}.sock`;
    const facts = JSON.parse(askControlSocket(socket)) as { pid: number };
    assert.equal(facts.pid, probe.program.pid);
    assert.deepEqual(filesBelow(runtime), []);
    assert.equal((await probe.quit()).status, 0);
    assert.ok(!existsSync(socket));
  } finally {
    await probe.stop();
    if (!existed && existsSync("/tmp/dpdk")) {
      assert.deepEqual(filesBelow("/tmp/dpdk"), []);
      for (const folder of ["/tmp/dpdk/rte", "/tmp/dpdk"]) rmdirSync(folder);
    }
  }
});

/**
 * The Debian package in a fresh root: installs, runs a program with Debian's own Node, and goes without a
 * trace.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, lstatSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { cleanUp } from "../../scripts/lab/cleanup.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { stackConfiguration } from "../../scripts/lab/lstack-conf.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { startProgram } from "../../scripts/lab/program.js";
import { buildDebianPackage } from "../../scripts/package/debian.js";
import { APT_MS, insideRoot, makeFreshRoot, runInRoot } from "./fresh-root.js";

const QUICK_MS = 20_000;
const START_MS = 30_000;
/** Any Node program will do, as long as it says who ran it. */
const LISTEN = `.listen(8080, "${addresses.server}")`;
const SERVER = `require("node:http").createServer((_, a) => a.end("served by " + process.version))${LISTEN}`;

let root = "";
let target = "";
let lab: Lab;

before(async () => {
  const path = await buildDebianPackage();
  root = makeFreshRoot();
  target = `/${basename(path)}`;
  copyFileSync(path, join(root, target));
  runInRoot(root, APT_MS, "apt-get", "update", "-q");
  runInRoot(root, APT_MS, "apt-get", "install", "-y", "-q", "--no-install-recommends", target);
  lab = createLab({ label: "deb", stack: "gazelle", offloads: "default" });
});

after(cleanUp);

test("the files lie where users look for them", () => {
  const names = ["/usr/bin/ltran", "/usr/bin/gazellectl", "/usr/bin/gazelle"];
  const configuration = ["lstack.conf", "lstack.Makefile"].map((name) => `/etc/gazelle/${name}`);
  for (const name of [...names, ...configuration]) assert.ok(lstatSync(join(root, name)), name);
  const found = runInRoot(root, QUICK_MS, "ldconfig", "-p");
  assert.match(found, /liblstack\.so /);
});

test("the tools run on Debian's own Node", () => {
  assert.match(runInRoot(root, QUICK_MS, "node", "--version"), /^v18\./);
  assert.match(runInRoot(root, QUICK_MS, "gazelle", "--version"), /^gazelle \d/);
  assert.match(runInRoot(root, QUICK_MS, "gazelle", "check", "/etc/gazelle/lstack.conf"), /./);
});

test("an accelerated program serves a kernel client", async () => {
  writeFileSync(
    join(root, "etc/gazelle/test.conf"),
    stackConfiguration(lab.serverInterface, { port: "packet" }),
  );
  const line = ["gazelle", "run", "--conf", "/etc/gazelle/test.conf", "--", "node", "-e", SERVER];
  const [command, argumentList] = insideRoot(root, ...line);
  const server = startProgram({ namespace: lab.serverNamespace, role: "server", command, argumentList });
  const page = () => {
    try {
      return runInside(
        lab.clientNamespace,
        "curl",
        "-sS",
        "-m",
        "2",
        `http://${addresses.server}:8080/`,
      ).toString();
    } catch {
      return "";
    }
  };
  const isServed = await waitUntil(() => page().startsWith("served by v18."), START_MS, 200);
  assert.ok(isServed, server.output());
  await server.stop();
});

test("ltran opens a device of DPDK", async () => {
  const lines = [
    'forward_kit = "dpdk"',
    `forward_kit_args = "--no-pci -m 128 --vdev net_af_packet0,iface=${lab.serverInterface}"`,
    `bond_ports = "0x1"\nbond_macs = "${addresses.serverMac}"`,
    'dispatch_subnet = "10.77.0.0"\ndispatch_subnet_length = 8',
    `unix_prefix = "gz-${process.pid}-"`,
  ];
  writeFileSync(join(root, "etc/gazelle/test.conf"), `${lines.join("\n")}\n`);
  const [command, argumentList] = insideRoot(root, "ltran", "-c", "/etc/gazelle/test.conf");
  const ltran = startProgram({ namespace: lab.serverNamespace, role: "server", command, argumentList });
  assert.ok(await waitUntil(() => /ltran: ready/.test(ltran.output()), START_MS, 200), ltran.output());
  await ltran.stop();
});

test("purging it leaves nothing", () => {
  runInRoot(root, APT_MS, "apt-get", "purge", "-y", "-q", "gazelle");
  const script = "find / -xdev ( -path /proc -o -path /sys ) -prune -o -iname *gazelle* -print";
  const left = runInRoot(root, QUICK_MS, ...script.split(" "));
  // What we put there ourselves: the package's file and the configuration of this test.
  const own = [target, "/etc/gazelle", "/etc/gazelle/test.conf"];
  assert.deepEqual(
    left.split("\n").filter((path) => path !== "" && !own.includes(path)),
    [],
  );
  assert.equal(existsSync(join(root, "usr/bin/ltran")), false);
});

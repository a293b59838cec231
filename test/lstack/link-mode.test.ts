/** Programs that are linked with the stack through conf/lstack.Makefile, without LD_PRELOAD. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import { addresses, createLab, type Lab, snmpCounters } from "../../scripts/lab/lab.js";
import { stackConfiguration } from "../../scripts/lab/lstack-conf.js";
import { counter } from "../../scripts/lab/network-counters.js";
import type { Program } from "../../scripts/lab/program.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { repositoryRoot, requireStackLibrary } from "../../scripts/lab/repository.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

const sources = join(repositoryRoot, "test", "lstack", "native");
const fragment = join(repositoryRoot, "conf", "lstack.Makefile");
const port = 7_007;

/** What a user writes, and the calls that the compiler checks at run time. */
const rules = `
CFLAGS = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wall -Werror
linked: main.c serve.c
\tgcc $(CFLAGS) main.c serve.c -o linked \${LSTACK_LIBS}
loading: main.c serve.c
\tgcc $(CFLAGS) main.c -o loading \${LSTACK_LIBS}
\tgcc $(CFLAGS) -shared -fPIC serve.c -o serve.so
`;

/** Builds both programs in a folder of their own, including the fragment under the path given. */
function make(folder: string, include: string, ...extra: string[]): string {
  mkdirSync(folder, { recursive: true });
  cpSync(join(sources, "link-main.c"), join(folder, "main.c"));
  cpSync(join(sources, "link-serve.c"), join(folder, "serve.c"));
  writeFileSync(join(folder, "Makefile"), `-include ${include.replaceAll(" ", "\\ ")}\n${rules}`);
  run("make", ["-C", folder, ...extra, "linked", "loading"]);
  return folder;
}

function dynamicSection(program: string): string {
  return run("readelf", ["-d", "-W", program]).toString();
}

/** The names that an object takes from others. */
function imported(object: string): string {
  return run("nm", ["-D", "--undefined-only", object]).toString();
}

function echoClient(lab: Lab): Promise<unknown> {
  const script = [
    `exec 3<>/dev/tcp/${addresses.server}/${port}`,
    "echo first >&3; read -r first <&3; echo second >&3; read -r second <&3",
    '[ "$first $second" = "first second" ]',
  ].join("\n");
  const { clientNamespace: namespace } = lab;
  return runProgram({ namespace, role: "client", command: "bash", argumentList: ["-c", script] });
}

interface Started {
  lab: Lab;
  server: Program;
}

async function start(
  label: string,
  command: string,
  extra: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stack: "gazelle" | "kernel" = "gazelle",
): Promise<Started> {
  requireStackLibrary();
  const lab = createLab({ label, stack, offloads: "default" });
  const file = join(temporaryFolder(), `${label}.conf`);
  writeFileSync(file, stackConfiguration(lab.serverInterface, { port: "packet" }));
  const server = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command,
    argumentList: [addresses.server, String(port), ...extra],
    environment: { LSTACK_CONF_PATH: file, ...environment },
  });
  await waitForServer(lab, server, port);
  return { lab, server };
}

async function end({ lab, server }: Started): Promise<void> {
  await server.stop();
  lab.remove();
}

/** One connection, served by the stack and by nothing else. */
async function assertAccelerated(started: Started): Promise<void> {
  const { lab, server } = started;
  const before = readStackCounters(server.pid);
  const kernelBefore = counter(snmpCounters(lab.serverNamespace), "Tcp.InSegs");
  await echoClient(lab);
  const after = readStackCounters(server.pid);
  assert.equal(after.tcpPassiveOpens - before.tcpPassiveOpens, 1n);
  assert.equal(after.socketsAccelerated - before.socketsAccelerated, 1n);
  assert.equal(after.fallbacks, 0n);
  assert.equal(counter(snmpCounters(lab.serverNamespace), "Tcp.InSegs"), kernelBefore);
}

test("LSTACK_LIBS puts the stack before libc, whether or not the program calls it", () => {
  requireStackLibrary();
  const folder = make(join(temporaryFolder(), "link-sections"), fragment);
  for (const program of ["linked", "loading"]) {
    const section = dynamicSection(join(folder, program));
    const needed = [...section.matchAll(/NEEDED.*\[(.*)\]/g)].map((match) => match[1]);
    assert.ok(needed.includes("liblstack.so"), section);
    assert.ok(needed.indexOf("liblstack.so") < needed.indexOf("libc.so.6"), section);
    assert.match(section, /R(UN)?PATH.*\/build\]/);
  }
  assert.match(imported(join(folder, "linked")), /__recv_chk/);
  assert.match(imported(join(folder, "linked")), /__poll_chk/);
  assert.doesNotMatch(imported(join(folder, "loading")), /\b(socket|recv|poll)\b/);
});

test("a linked program uses the stack without LD_PRELOAD and without GAZELLE_BIND_PROCNAME", async () => {
  const folder = make(join(temporaryFolder(), "link-linked"), fragment);
  const started = await start("linked", join(folder, "linked"), []);
  try {
    await assertAccelerated(started);
  } finally {
    await end(started);
  }
});

test("an object that a linked program loads uses the stack too", async () => {
  const folder = make(join(temporaryFolder(), "link-loading"), fragment);
  const started = await start("loading", join(folder, "loading"), [join(folder, "serve.so")]);
  try {
    await assertAccelerated(started);
  } finally {
    await end(started);
  }
});

test("GAZELLE_BIND_PROCNAME selects a linked program, or leaves it to the kernel", async () => {
  const folder = make(join(temporaryFolder(), "link-selected"), fragment);
  const program = join(folder, "linked");
  const selected = await start("selected", program, [], { GAZELLE_BIND_PROCNAME: "redis-server,linked" });
  try {
    await assertAccelerated(selected);
  } finally {
    await end(selected);
  }
  const other = await start("other", program, [], { GAZELLE_BIND_PROCNAME: "redis-server" }, "kernel");
  try {
    await echoClient(other.lab);
    assert.ok(counter(snmpCounters(other.lab.serverNamespace), "Tcp.PassiveOpens") > 0n);
    assert.throws(() => readStackCounters(other.server.pid));
  } finally {
    await end(other);
  }
});

test("lstack.Makefile works from paths with blanks, links, prefixes and with LSTACK_FOLDER", () => {
  requireStackLibrary();
  const base = join(temporaryFolder(), "link of places");
  const clone = join(base, "a clone");
  const prefix = join(base, "usr local");
  const folders = [
    join(clone, "conf"),
    join(clone, "build"),
    join(prefix, "etc", "gazelle"),
    join(prefix, "lib"),
  ];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const folder of [join(clone, "build"), join(prefix, "lib")])
    cpSync(join(repositoryRoot, "build", "liblstack.so"), join(folder, "liblstack.so"));
  cpSync(fragment, join(clone, "conf", "lstack.Makefile"));
  cpSync(fragment, join(prefix, "etc", "gazelle", "lstack.Makefile"));
  symlinkSync(fragment, join(base, "lstack.Makefile"));
  const expected: readonly (readonly [string, string, ...string[]])[] = [
    [join(clone, "conf", "lstack.Makefile"), join(clone, "build")],
    [join(prefix, "etc", "gazelle", "lstack.Makefile"), join(prefix, "lib")],
    [join(base, "lstack.Makefile"), join(repositoryRoot, "build")],
    [fragment, join(prefix, "lib"), `LSTACK_FOLDER=${join(prefix, "lib")}`],
  ];
  for (const [index, [include, library, ...extra]] of expected.entries()) {
    const folder = make(join(base, `program ${index}`), include, ...extra);
    assert.ok(dynamicSection(join(folder, "linked")).includes(`[${library}]`), include);
  }
});

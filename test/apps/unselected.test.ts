/** A program that is not selected runs as if the library were not there. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createLab, snmpCounters } from "../../scripts/lab/lab.js";
import { counter } from "../../scripts/lab/network-counters.js";
import { runProgram, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { preloadEnvironment, requireStackLibrary } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { redisEndpoint } from "./redis-server.js";
import { serverAddress } from "./service.js";

const port = 6_379;

const selections: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["no GAZELLE_BIND_PROCNAME", {}],
  ["another program's name", { GAZELLE_BIND_PROCNAME: "nginx,memcached" }],
  ["a name of which its own is a part", { GAZELLE_BIND_PROCNAME: "redis-server-2" }],
];

for (const [index, [title, selection]] of selections.entries()) {
  test(`redis-server is served by the kernel with ${title}`, async () => {
    requireStackLibrary();
    const lab = createLab({ label: `unselected${index}`, stack: "kernel", offloads: "default" });
    const folder = join(temporaryFolder(), lab.label);
    mkdirSync(folder);
    const missing = { LSTACK_CONF_PATH: join(folder, "missing.conf") };
    const server = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "redis-server",
      argumentList: ["--bind", serverAddress, "--protected-mode", "no", "--save", "", "--dir", folder],
      environment: { ...preloadEnvironment(), ...missing, ...selection },
    });
    try {
      await waitForServer(lab, server, port);
      const before = counter(snmpCounters(lab.serverNamespace), "Tcp.PassiveOpens");
      const answer = await runProgram({
        namespace: lab.clientNamespace,
        role: "client",
        command: "redis-cli",
        argumentList: [...redisEndpoint, "PING"],
      });
      assert.equal(answer.stdout.toString().trim(), "PONG");
      assert.equal(counter(snmpCounters(lab.serverNamespace), "Tcp.PassiveOpens") - before, 1n);
    } finally {
      await server.stop();
      lab.remove();
    }
  });
}

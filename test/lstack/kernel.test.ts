/** kni_switch = 1 in direct mode: the kernel and an accelerated Redis on one address. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addresses, createLab, type Lab } from "../../scripts/lab/lab.js";
import { type ConfigurationOptions, stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { waitForServer } from "../../scripts/lab/readiness.js";
import { readEachStack } from "../../scripts/lab/stack-counters.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { redisArguments, redisPort } from "../ltran/accelerated.js";
import { kernelCounter, pingOnce, shareUnderLoad } from "../ltran/kernel-traffic.js";

/** Of two tests, which a busy machine takes a minute for each. */
const timeout = 180_000;
const ownAddress = "10.77.0.5";

const configurations: readonly ConfigurationOptions[] = [
  { port: "packet", extraLines: ["kni_switch=1"] },
  { port: "packet", extraLines: ["kni_switch=1", 'num_cpus="0,1"', "listen_shadow=1"] },
  { port: "dpdk", driver: "af_packet", extraLines: ["kni_switch=1"] },
];

function inServer(lab: Lab, ...words: string[]): string {
  return runInside(lab.serverNamespace, ...words).toString();
}

async function startRedis(lab: Lab, configuration: ConfigurationOptions): Promise<Program> {
  const program = startProgram({
    namespace: lab.serverNamespace,
    role: "server",
    command: "redis-server",
    argumentList: redisArguments(addresses.server),
    environment: stackEnvironment(lab, ["redis-server"], configuration),
    workingFolder: temporaryFolder(),
  });
  await waitForServer(lab, program, redisPort);
  return program;
}

for (const [index, configuration] of configurations.entries()) {
  const stacks = configuration.extraLines?.some((line) => line.startsWith("num_cpus")) ? 2 : 1;
  const name = [configuration.port, configuration.driver, `${stacks} stacks`].filter(Boolean).join(" ");
  describe(`over ${name}`, { timeout }, () => {
    for (const hasOwn of [false, true]) {
      test(`the kernel serves beside Redis${hasOwn ? ", and at an address of its own" : ""}`, async () => {
        const label = `kernel-${index}${hasOwn ? "-own" : ""}`;
        // A kernel at the other end leaves checksums and segmentation to drivers that know of neither.
        const offloads = configuration.port === "packet" ? "default" : "equal";
        const lab = createLab({ label, stack: "gazelle", offloads });
        try {
          if (hasOwn) inServer(lab, "ip", "address", "add", `${ownAddress}/24`, "dev", lab.serverInterface);
          const redis = await startRedis(lab, configuration);
          await shareUnderLoad(lab, configuration.port === "packet");
          assert.equal(kernelCounter(lab, "Tcp.OutRsts"), 0n);
          const served = readEachStack(redis.pid).map((stack) => stack.tcpPassiveOpens);
          assert.equal(served.length, stacks);
          for (const connections of served) assert.ok(connections > 0n, `${served} connections`);
          if (hasOwn) await pingOnce(lab, "client", ownAddress);
          await redis.stop();
          assert.doesNotMatch(inServer(lab, "ip", "link"), /kni/);
          assert.equal(inServer(lab, "nft", "list", "ruleset"), "");
          assert.doesNotMatch(inServer(lab, "ip", "rule"), /10\.77\.0\.1/);
        } finally {
          lab.remove();
        }
      });
    }
  });
}

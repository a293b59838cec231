/** Interfaces that go down and come up under load, over the packet port and DPDK's virtual drivers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pause, waitUntil } from "../../scripts/lab/command.js";
import { addresses } from "../../scripts/lab/lab.js";
import type { ConfigurationOptions } from "../../scripts/lab/lstack-conf.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { readStackCounters } from "../../scripts/lab/stack-counters.js";
import { Probe, port } from "./probe.js";

const configurations: readonly ConfigurationOptions[] = [
  { port: "packet" },
  { port: "dpdk", driver: "af_packet" },
  { port: "dpdk", driver: "af_xdp" },
];

const downMs = 600;
/** The second announcement of a start comes two seconds after the first (RFC 5227). */
const announcedMs = 2_500;
const ticksPerSecond = 100;

/** Numbered lines back and forth for five seconds, every one checked. */
const client = `
import socket, time
stream = socket.create_connection(("${addresses.server}", ${port})).makefile("rwb", buffering=0)
end, sent = time.monotonic() + 5, 0
while time.monotonic() < end:
    block = b"".join(b"%0999d\\n" % (sent + index) for index in range(20))
    stream.write(block)
    left = len(block)
    got = b""
    while len(got) < left:
        got += stream.read(left - len(got))
    assert got == block
    sent += 20
print(sent)
`;

function setLink(probe: Probe, state: "up" | "down"): void {
  runInside(probe.lab.serverNamespace, "ip", "link", "set", probe.lab.serverInterface, state);
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

for (const configuration of configurations) {
  const title = [configuration.port, configuration.driver].filter(Boolean).join(" ");
  const label = `link-${configuration.driver?.replace("_", "") ?? "packet"}`;

  test(`${title}: connections survive an interface that goes down and up`, async () => {
    const probe = await Probe.start({ label, configuration });
    try {
      const load = probe.client("/usr/bin/python3", ["-c", client]);
      for (let round = 0; round < 2; round++) {
        await pause(700);
        setLink(probe, "down");
        await pause(downMs);
        setLink(probe, "up");
      }
      assert.ok(Number((await load).stdout.toString()) > 100);
      assert.equal(readStackCounters(probe.program.pid).tcpPassiveOpens, 2n);
    } finally {
      await probe.stop();
    }
  });

  test(`${title}: a link that is down costs nothing, and is announced when it is back`, async () => {
    const probe = await Probe.start({ label: `${label}-idle`, configuration });
    try {
      assert.equal(await probe.ask("before"), "before");
      await pause(announcedMs);
      setLink(probe, "down");
      await pause(200);
      const { pid } = probe.program;
      const [cpuBefore, before] = [cpuSeconds(pid), readStackCounters(pid)];
      await pause(1_000);
      const spent = cpuSeconds(pid) - cpuBefore;
      assert.ok(spent < 0.15, `${spent} s of CPU in one second`);
      setLink(probe, "up");
      const announced = () => readStackCounters(pid).arpRequestsOut > before.arpRequestsOut;
      assert.ok(await waitUntil(announced, 3_000), "no announcement");
      assert.equal(await probe.ask("after"), "after");
    } finally {
      await probe.stop();
    }
  });
}

test("the kernel is given the stack's address while it runs: that is said, with what mends it", async () => {
  const probe = await Probe.start({ label: "link-owner", configuration: { port: "packet" } });
  const address = (command: "add" | "del") =>
    runInside(probe.lab.serverNamespace, "ip", "address", command, `${addresses.server}/32`, "dev", "lo");
  const said = () =>
    probe.program.output().match(/the kernel owns \S+ on lo, both would answer; `ip addr del/g)?.length ?? 0;
  try {
    assert.equal(await probe.ask("before"), "before");
    for (const times of [1, 2]) {
      assert.equal(said(), times - 1);
      address("add");
      assert.ok(await waitUntil(() => said() === times, 3_000), probe.program.output());
      address("del");
      await pause(300);
    }
    assert.equal(await probe.ask("after"), "after");
  } finally {
    await probe.stop();
  }
});

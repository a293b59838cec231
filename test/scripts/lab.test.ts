/** What the lab reads and writes, without namespaces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stackConfiguration } from "../../scripts/lab/lstack-conf.js";
import { counter, parseInterfaceCounters, parseSnmp } from "../../scripts/lab/network-counters.js";

test("SNMP counters are pairs of lines: names, then values", () => {
  const counters = parseSnmp("Tcp: InSegs OutSegs\nTcp: 1 18446744073709551615\nUdp: InDatagrams\nUdp: 2\n");
  assert.equal(counter(counters, "Tcp.InSegs"), 1n);
  assert.equal(counter(counters, "Tcp.OutSegs"), 18_446_744_073_709_551_615n);
  assert.equal(counter(counters, "Udp.InDatagrams"), 2n);
  assert.throws(() => counter(counters, "Tcp.Missing"), /no counter Tcp.Missing/);
  assert.throws(() => parseSnmp("Tcp: InSegs OutSegs\nTcp: 1\n"), /unexpected line/);
  assert.throws(() => parseSnmp("Tcp: InSegs\nUdp: 1\n"), /unexpected line/);
});

test("interface counters come from the answer of ip", () => {
  const rx = { bytes: 1, packets: 2 };
  const tx = { bytes: 3, packets: 4 };
  const counters = parseInterfaceCounters(JSON.stringify([{ stats64: { rx, tx } }]));
  assert.deepEqual(counters, { rxBytes: 1n, rxPackets: 2n, txBytes: 3n, txPackets: 4n });
  assert.throws(() => parseInterfaceCounters("[{}]"), /no statistics/);
});

test("a configuration names the interface by its MAC, or DPDK's device", () => {
  const packet = stackConfiguration("server0", { port: "packet" });
  assert.match(packet, /^devices="02:67:7a:00:00:01"$/m);
  assert.doesNotMatch(packet, /dpdk_args/);
  const dpdk = stackConfiguration("server0", { port: "dpdk", extraLines: ["low_power_mode=1"] });
  assert.match(dpdk, /^dpdk_args=\[.*"--vdev", "net_af_packet0,iface=server0,/m);
  assert.match(dpdk, /^low_power_mode=1$/m);
  assert.match(
    stackConfiguration("server0", { port: "dpdk", driver: "af_xdp" }),
    /net_af_xdp0,iface=server0/,
  );
});

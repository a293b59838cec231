/** The twelve kinds of trouble: how each is planted, and what the doctor has to say. */
import { addresses } from "../../../scripts/lab/lab.js";
import { runInside } from "../../../scripts/lab/namespaces.js";
import type { Random } from "../../../sim/random.js";
import { type Clinic, untilSaid } from "./clinic.js";

/** An address that no program has. */
const otherAddress = "10.77.0.9";

/** One kind of trouble. */
export interface Fault {
  name: string;
  /** The check that finds it, and its words. */
  id: string;
  what: RegExp;
  /** What follows from it and is found, too. */
  companions?: readonly string[];
  /** Further lines in the configuration of the program that runs. */
  extraLines?: readonly string[];
  /** Faults with larger numbers are planted later: they disturb others. */
  order: number;
  plant(clinic: Clinic, random: Random): Promise<void>;
}

function lines(...all: string[]): string {
  return all.map((line) => `${line}\n`).join("");
}

const network = [`mask_addr = "${addresses.mask}"`, `gateway_addr = "${addresses.client}"`];

const wrongMac: Fault = {
  name: "wrong MAC",
  id: "device",
  what: /no interface has the address 02:67:7a:00:00:\w\w that devices names; there are: server0 02:67:7a/,
  order: 0,
  async plant(clinic, random) {
    const mac = `02:67:7a:00:00:${random.between(16, 255).toString(16)}`;
    clinic.configuration(
      "mac.conf",
      lines(`host_addr = "${otherAddress}"`, ...network, `devices = "${mac}"`),
    );
  },
};

const hugePages: Fault = {
  name: "missing huge pages",
  id: "huge-pages",
  what: /huge\.conf asks for \d+ MiB in huge pages; 0 of 0 MiB are free/,
  // The other end of the veth computes no checksums, which DPDK's driver needs.
  companions: ["offloads"],
  order: 0,
  async plant(clinic, random) {
    const size = random.between(64, 4_096);
    const device = `net_af_packet0,iface=${clinic.lab.serverInterface}`;
    const dpdk = `dpdk_args = ["--socket-mem", "${size}", "--no-pci", "--vdev", "${device}"]`;
    clinic.configuration("huge.conf", lines(dpdk, 'host_addr = "10.77.0.8"', ...network));
  },
};

const kernelAddress: Fault = {
  name: "kernel owns the address",
  id: "address",
  what: /the kernel owns 10\.77\.0\.1 on (server0|lo), which is the address of the stack of python3/,
  order: 9,
  async plant({ lab }, random) {
    const device = random.chance(0.5) ? lab.serverInterface : "lo";
    runInside(lab.serverNamespace, "ip", "address", "add", `${addresses.server}/24`, "dev", device);
  },
};

const mtu: Fault = {
  name: "MTU mismatch",
  id: "mtu",
  what: /server0, which .* has an MTU of 1500, and client0 \(in .*\) behind it 1[23]\d\d/,
  order: 0,
  async plant({ lab }, random) {
    const size = String(random.between(1_200, 1_399));
    runInside(lab.clientNamespace, "ip", "link", "set", lab.clientInterface, "mtu", size);
  },
};

const listenQueue: Fault = {
  name: "full listen queue",
  id: "backlog",
  what: /a listen queue of python3 \(process \d+\) (is|was) full/,
  // Handshakes that nobody takes are answered again and again.
  companions: ["loss"],
  order: 3,
  plant: (clinic, random) => clinic.stay("crowd", String(random.between(6, 12))),
};

const stalledReader: Fault = {
  name: "a stalled reader",
  id: "reader",
  what: /python3 \(process \d+\) has about \d+ KiB that it does not read/,
  companions: ["loss"],
  order: 4,
  plant: (clinic, random) => clinic.stay("flood", String(random.between(1, 3))),
};

const loss: Fault = {
  name: "loss on the wire",
  id: "loss",
  what: /python3 \(process \d+\) (had to send \d+ segments again|received \d+ segments before )/,
  order: 2,
  async plant(clinic, random) {
    const { clientNamespace, clientInterface } = clinic.lab;
    const share = String(random.between(3, 8));
    const rule = [
      "table netdev lossy {",
      `chain in { type filter hook ingress device ${clientInterface} priority 0;`,
      `ip saddr ${addresses.server} numgen random mod 100 < ${share} drop`,
      "}",
      "}",
    ].join("\n");
    runInside(clientNamespace, "nft", rule);
    await clinic.visit("pour", "2");
    runInside(clientNamespace, "nft", "delete", "table", "netdev", "lossy");
  },
};

const checksumOffload: Fault = {
  name: "bad checksum offload",
  id: "checksums",
  what: /python3 \(process \d+\) dropped \d+ packets with a wrong checksum or header \(tcpMalformed \d+\)/,
  order: 2,
  async plant(clinic, random) {
    const macs = [addresses.serverMac, addresses.clientMac].map((mac) => mac.replaceAll(":", ""));
    const count = String(random.between(20, 200));
    await clinic.visit("garble", count, clinic.lab.clientInterface, ...macs, addresses.client);
  },
};

const buffers: Fault = {
  name: "exhausted buffers",
  id: "buffers",
  what: /python3 \(process \d+\) (ran out of packet buffers|had \d+ of \d+ packet buffers in use)/,
  companions: ["reader", "loss"],
  extraLines: ["memory=32", "nic_rxqueue_size=512"],
  order: 5,
  plant: (clinic) => clinic.stay("flood", "60"),
};

const processName: Fault = {
  name: "wrong process name",
  id: "process-name",
  what: /process \d+ \(python3[\w.]*, python3[\w.]*\) has liblstack\.so preloaded .*PROCNAME is "\w+"/,
  order: 1,
  async plant(clinic, random) {
    const name = ["redis", "python", "nginx"][random.below(3)] ?? "";
    const script =
      "import socket, time; s = socket.create_server(('', 7100)); print('up', flush=True); time.sleep(60)";
    await untilSaid(clinic.start(["python3", "-c", script], clinic.files[0] ?? "", name), "up");
  },
};

const staleRule: Fault = {
  name: "a stale nftables rule",
  id: "filter-rules",
  what: /the table gz-[0-9a-f]{16} of nf_tables was left/,
  order: 1,
  async plant({ lab }, random) {
    // As ltran leaves it on a kernel before 5.12: named after its MAC address, which nobody has any more.
    const name = `gz-0000${random.next().toString(16).padStart(8, "0")}0002`;
    const rule = [
      `table netdev ${name} {`,
      `set addresses { type ipv4_addr; elements = { ${otherAddress} }`,
      "}",
      `chain ingress { type filter hook ingress device ${lab.serverInterface} priority -500;`,
      "ip daddr @addresses counter drop",
      "}",
      "}",
    ].join("\n");
    runInside(lab.serverNamespace, "nft", rule);
  },
};

const noLtran: Fault = {
  name: "an ltran that is not running",
  id: "ltran",
  what: /no ltran answers at \/\S+ltran_cmd\.sock, which (python3 \(process \d+\)|\S+ltran\S*\.conf)/,
  // Killed, it leaves its sockets.
  companions: ["leftovers"],
  order: 1,
  async plant(clinic, random) {
    const prefix = `gz-${clinic.lab.label}-`;
    const behind = [
      "use_ltran = 1",
      `unix_prefix = "${prefix}"`,
      `host_addr = "${otherAddress}"`,
      ...network,
    ];
    if (random.chance(0.5)) {
      clinic.configuration("behind-ltran.conf", lines(...behind));
      return;
    }
    const { serverNamespace, clientNamespace } = clinic.lab;
    const ends = ["add", "server1", "type", "veth", "peer", "client1", "netns", clientNamespace];
    runInside(serverNamespace, "ip", "link", ...ends);
    runInside(serverNamespace, "ip", "link", "set", "server1", "up");
    runInside(clientNamespace, "ip", "link", "set", "client1", "up");
    const mac = "02:67:7a:00:00:0f";
    const ltran = await clinic.startLtran(prefix, { devices: '"server1"', bond_macs: `"${mac}"` });
    const extraLines = [`unix_prefix="${prefix}"`];
    const options = { port: "ltran", extraLines } as const;
    await clinic.startPatient(options, otherAddress, mac);
    ltran.signal("SIGKILL");
    await ltran.ended;
  },
};

/** All of them. */
export const faults: readonly Fault[] = [
  ...[wrongMac, hugePages, kernelAddress, mtu, listenQueue, stalledReader],
  ...[loss, checksumOffload, buffers, processName, staleRule, noLtran],
];

/** Lets the program do its work, which nothing is wrong with. */
export async function work(clinic: Clinic): Promise<void> {
  await clinic.visit("echo", "20");
  await clinic.visit("pour", "1");
}

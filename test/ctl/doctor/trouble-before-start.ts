/** Trouble of machines and configurations, before a start. */
import { dpdkFile, healthy, link, lstackFile, ltranFile, pci, report } from "./made-up-facts.js";
import type { Trouble } from "./trouble.js";

const overVeth = ["--vdev", "net_af_packet0,iface=eth1"];
const onPci = ["-a", "0000:01:00.0"];
const behindLtran = lstackFile({ port: "ltran", device: "" });
const veth = (mtu: number, offload: boolean) =>
  link({
    kind: "veth",
    peer: {
      name: "eth0",
      namespace: "/run/netns/box",
      mtu,
      isUp: true,
      offloads: new Map([["tx-checksumming", offload]]),
    },
  });
const noCapabilities = { uid: 1_000, capabilities: 0n };

/** Each is found by one check. */
export const beforeStart: readonly Trouble[] = [
  [
    "a configuration with an error",
    {
      configurations: [
        { kind: "lstack", path: "a", messages: [{ text: "a:1: x", isWarning: false }], values: null },
      ],
    },
    "configuration",
    "error",
    /^a:1: x$/,
  ],
  [
    "a wrong MAC",
    { configurations: [lstackFile({ mac: "02:00:00:00:00:99", device: "" })] },
    "device",
    "error",
    /:99/,
  ],
  ["no such interface", { configurations: [lstackFile({ device: "eth9" })] }, "device", "error", /eth9/],
  [
    "no such interface of ltran",
    { configurations: [ltranFile({ devices: ["eth9"] })] },
    "device",
    "error",
    /eth9/,
  ],
  [
    "a MAC of another device than DPDK's",
    { configurations: [dpdkFile(overVeth, { mac: "02:00:00:00:00:99" })] },
    "device",
    "error",
    /dpdk_args uses eth1/,
  ],
  ["a device that is down", { links: [link({ isUp: false })] }, "link", "error", /eth1.*down/],
  ["a device without a link", { links: [link({ hasCarrier: false })] }, "link", "warning", /no link/],
  [
    "the kernel owns the address",
    { links: [link({ addresses: ["192.168.1.10"] })] },
    "address",
    "error",
    /the kernel owns 192\.168\.1\.10 on eth1/,
  ],
  [
    "an MTU beyond the device's",
    { configurations: [lstackFile({ mtu: 9_000 })] },
    "mtu",
    "warning",
    /9000.*1500/,
  ],
  ["another MTU behind a veth", { links: [veth(1_400, false)] }, "mtu", "warning", /1500.*eth0.*1400/],
  [
    "another MTU in a bridge",
    { links: [link({ bridged: [{ name: "tap1", namespace: "", mtu: 1_300, isUp: true }] })] },
    "mtu",
    "warning",
    /tap1.*1300/,
  ],
  [
    "huge pages that are not there",
    { configurations: [dpdkFile([...overVeth, "--socket-mem", "512,512"], { wantsHugePages: true })] },
    "huge-pages",
    "error",
    /1024 MiB in huge pages; 0 of 0/,
  ],
  [
    "objects that DPDK needs",
    { configurations: [dpdkFile(overVeth)], machine: { dpdkLacks: ["libxdp.so.1"] } },
    "dpdk",
    "error",
    /libxdp\.so\.1/,
  ],
  [
    "no DPDK",
    { configurations: [dpdkFile(overVeth)], machine: { dpdkLacks: null } },
    "dpdk",
    "error",
    /not installed/,
  ],
  [
    "a NIC with the kernel's driver",
    { configurations: [dpdkFile(onPci)], machine: { pciDevices: [pci({ driver: "ixgbe" })] } },
    "nic-driver",
    "error",
    /kernel's driver ixgbe/,
  ],
  [
    "a NIC that is not there",
    { configurations: [dpdkFile(onPci)], machine: { pciDevices: [pci({ isThere: false, driver: null })] } },
    "nic-driver",
    "error",
    /no PCI device/,
  ],
  [
    "a NIC that DPDK has no driver for here",
    { machine: { pciDevices: [pci({ vendor: "0x15b3", driver: "mlx5_core" })] } },
    "nic-driver",
    "error",
    /no driver for 0000:01:00\.0, whose vendor is 0x15b3/,
  ],
  [
    "no IOMMU",
    { machine: { hasIommu: false, pciDevices: [pci({ hasIommuGroup: false })] } },
    "iommu",
    "error",
    /no IOMMU/,
  ],
  [
    "a NIC without IOMMU on purpose",
    { machine: { isUnsafeNoIommu: true, pciDevices: [pci({ hasIommuGroup: false })] } },
    "iommu",
    "warning",
    /without an IOMMU/,
  ],
  [
    "CPUs of another NUMA node than the NIC's",
    {
      configurations: [dpdkFile(onPci, { cpus: [1, 2] })],
      machine: { pciDevices: [pci({ numaNode: 1 })] },
    },
    "numa",
    "warning",
    /CPU 1 is not on NUMA node 1/,
  ],
  [
    "a forwarding CPU of another NUMA node",
    { configurations: [ltranFile({ forwardCpu: 3 })], links: [link({ numaNode: 0 })] },
    "numa",
    "warning",
    /CPU 3 is not on NUMA node 0/,
  ],
  ["no right to packet sockets", { machine: noCapabilities }, "rights", "error", /no CAP_NET_RAW/],
  [
    "no right to make the kernel's device",
    {
      configurations: [lstackFile({ hasKernelDevice: true })],
      machine: { capabilities: 1n << 13n },
    },
    "rights",
    "error",
    /no CAP_NET_ADMIN/,
  ],
  [
    "no /dev/net/tun",
    { configurations: [lstackFile({ hasKernelDevice: true })], machine: { hasTun: false } },
    "rights",
    "error",
    /no \/dev\/net\/tun/,
  ],
  [
    "too little address space",
    { machine: { limits: { ...healthy().machine.limits, addressSpace: 4 * 2 ** 30 } } },
    "limits",
    "error",
    /4\.0 GiB of addresses/,
  ],
  [
    "too few descriptors",
    { machine: { limits: { ...healthy().machine.limits, openFilesHard: 1_024 } } },
    "limits",
    "warning",
    /1024 files/,
  ],
  [
    "too little memory to lock",
    {
      configurations: [dpdkFile(["--vdev", "net_tap0"])],
      machine: { capabilities: 1n << 12n },
    },
    "limits",
    "warning",
    /lock 8192 KiB/,
  ],
  [
    "a peer of DPDK with offloads",
    { configurations: [dpdkFile(overVeth)], links: [veth(1_500, true)] },
    "offloads",
    "warning",
    /eth0.*tx-checksumming/,
  ],
  [
    "a device of DPDK that joins frames",
    {
      configurations: [dpdkFile(overVeth)],
      links: [link({ offloads: new Map([["generic-receive-offload", true]]) })],
    },
    "offloads",
    "warning",
    /eth1.*generic-receive-offload/,
  ],
  [
    "a strict rp_filter",
    {
      configurations: [lstackFile({ hasKernelDevice: true })],
      machine: { reversePathFilter: new Map([["all", 1]]) },
    },
    "reverse-path",
    "warning",
    /strict \(1\) for kni/,
  ],
  [
    "NetworkManager",
    {
      machine: { networkManager: new Map([["kni", "NetworkManager may take kni for its own; write this"]]) },
    },
    "network-manager",
    "warning",
    /may take kni/,
  ],
  [
    "a service with a wrong process name",
    { services: [{ unit: "web.service", wanted: "redis-server", names: ["nginx"] }] },
    "process-name",
    "warning",
    /web\.service preloads liblstack\.so and starts nginx: .*"redis-server"/,
  ],
  [
    "a service without a process name",
    { services: [{ unit: "web.service", wanted: null, names: ["nginx"] }] },
    "process-name",
    "warning",
    /is not set/,
  ],
  [
    "no ltran",
    { configurations: [behindLtran], ltrans: [{ prefix: "", socket: "/s", report: null }] },
    "ltran",
    "error",
    /no ltran answers at \/s, which lstack\.conf needs/,
  ],
  [
    "another MAC than ltran's",
    {
      configurations: [lstackFile({ port: "ltran", device: "", mac: "02:00:00:00:00:99" })],
      ltrans: [{ prefix: "", socket: "/s", report: report() }],
    },
    "ltran-client",
    "error",
    /02:00:00:00:00:99/,
  ],
  [
    "an address outside ltran's network",
    {
      configurations: [lstackFile({ port: "ltran", device: "", address: "192.168.2.10" })],
      ltrans: [{ prefix: "", socket: "/s", report: report() }],
    },
    "ltran-client",
    "error",
    /192\.168\.2\.10 does not lie in/,
  ],
  [
    "an ltran that is full",
    {
      configurations: [behindLtran],
      ltrans: [{ prefix: "", socket: "/s", report: report({ maxClients: 0 }) }],
    },
    "ltran-client",
    "error",
    /0 of at most 0/,
  ],
];

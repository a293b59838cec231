// Every option of lstack.conf, declared once: validation, messages, the C structure and docs/configuration.md
// all come from here. The order is the order of the document. The shell sees the options that have an effect,
// and no others: who makes one work takes its withoutEffect() or refused() away and finds it in struct
// gz_config.
import { declareRateLimits } from "../limits";
import { Kind, MOST_CPUS } from "../option";
import { Table } from "../table";
import { aliases, retired } from "./retired";

/** The options of lstack.conf. */
export const lstack = new Table("lstack.conf", aliases, retired);

/** Stacks that a process can have (lstack/runtime/thread.h). */
export const MOST_STACKS: f64 = 32;
/** More connections than a region of 4060 MiB could ever hold. */
const MOST_CONNECTIONS: f64 = 4_000_000;
/** What the smallest receive ring leaves of 32 bits of addresses: 512 slots of port packet are 35 MiB. */
export const MOST_MEMORY: f64 = 4060;

export const hostAddr = lstack.text("host_addr", Kind.Address4, "IPv4 address of the stack.").mustBeGiven();
export const maskAddr = lstack.text("mask_addr", Kind.Mask, "Network mask of host_addr.").mustBeGiven();
export const gatewayAddr = lstack
  .text("gateway_addr", Kind.Address4, "Gateway to all other networks.")
  .meaning('"0.0.0.0" is the same as leaving it out.')
  .defaultsTo("none: only the network of host_addr can be reached");
export const devices = lstack
  .text("devices", Kind.Device, "The network device to use.")
  .defaultsTo("with port dpdk, the first device that DPDK finds; otherwise it must be given")
  .carriedByOthers();
export const port = lstack
  .choice("port", ["auto", "packet", "dpdk"], "How frames reach the device.")
  .meaning(
    '"packet": an AF_PACKET ring on an interface that stays with the kernel. "dpdk": a DPDK driver. ' +
      '"auto": dpdk if dpdk_args names a device (--vdev, -a, --allow), otherwise packet.',
  )
  .carriedByOthers();
export const dpdkArgs = lstack
  .text("dpdk_args", Kind.Arguments, "Arguments for DPDK's environment abstraction layer (EAL); see below.")
  .between(1, 64)
  .defaultsTo("none: no huge pages, no extra device")
  .carriedByOthers();
export const numCpus = lstack
  .text("num_cpus", Kind.NumberList, "The CPUs of the process' stacks: so many stacks there are, 32 at most.")
  .between(0, MOST_CPUS - 1)
  .meaning(
    "Every stack has memory, a lock and a queue of its own. Its own thread runs on its CPU, and so does " +
      "the first of the application's threads at home in it; see below.",
  )
  .defaultsTo('"": stack_num stacks, not bound to CPUs');
export const memory = lstack
  .integer("memory", 0, "Size in MiB of the memory that holds the stack's whole state.")
  .between(32, MOST_MEMORY)
  .except(0)
  .meaning(
    "0: derived from tcp_conn_count and mbuf_count_per_conn, from 256 on. The receive ring must find room " +
      "beside it below 4096 MiB.",
  )
  .defaultsTo("0: derived")
  .carriedByOthers();
export const tcpConnCount = lstack
  .integer("tcp_conn_count", 1500, "Connections for which memory is provided.")
  .carriedByOthers()
  .between(1, MOST_CONNECTIONS)
  .meaning(
    "Sizes the default of memory; it is not a ceiling: memory decides how many connections there can be.",
  );
export const mbufCountPerConn = lstack
  .integer("mbuf_count_per_conn", 170, "Packet buffers of 2 KiB for each of tcp_conn_count connections.")
  .carriedByOthers()
  .between(1, 65535)
  .meaning("Sizes the default of memory.");
lstack
  .integer("mtu", 0, "Largest IP packet sent, in bytes.")
  .between(576, 65535)
  .except(0)
  .meaning("0: the device's own.")
  .defaultsTo("0: the device's");
lstack
  .choice(
    "on_failure",
    ["exit", "kernel"],
    "What happens when the stack cannot start: the process ends with status 1, or goes on with the kernel.",
  )
  .meaning(
    "A process that has a socket bound to host_addr by then ends in any case: the kernel has no such " +
      "address, and a bind that has succeeded cannot be taken back. Device or ltran are claimed by the " +
      "process that waits first, which need not be the one that binds.",
  );
lstack.toggle("udp_enable", 1, "0: datagram sockets are left to the kernel.");
export const receiveSlots = lstack
  .integer("nic_rxqueue_size", 512, "Receive descriptors of the port.")
  .between(512, 8192)
  .onlyPowersOfTwo()
  .meaning(
    "With port packet each takes 70 KB of the kernel's memory, as it holds a frame of 64 KB: 512 are " +
      "35 MiB, 8192 are 547 MiB, which memory must leave free below 4096 MiB.",
  );

lstack
  .integer("nic_txqueue_size", 2048, "Transmit descriptors of the port.")
  .between(512, 8192)
  .onlyPowersOfTwo()
  .withoutEffect(2048, "the port chooses the number");
lstack
  .integer("nic_read_number", 128, "Most frames taken from the port before the application goes on.")
  .between(1, 8192);
declareRateLimits(
  lstack,
  "the stack sends",
  "Beyond it TCP waits and datagrams are dropped; 10 ms of it may go at once.",
);
lstack
  .choice("congestion_control", ["cubic", "newreno"], "Congestion control: RFC 9438 or RFC 6582.")
  .meaning("Of new sockets; TCP_CONGESTION changes it.");
lstack
  .text("unix_prefix", Kind.Name, "Comes before the process id in the name of the control socket.")
  .between(0, 64)
  .defaultsTo('""');
lstack
  .choice(
    "stack_thread_mode",
    ["run-to-wakeup", "run-to-completion"],
    "Whether a thread of its own may run the stack.",
  )
  .meaning(
    "Threads of the application run it whenever they call. run-to-wakeup: when none of them did for 1 ms, " +
      "a thread of its own does. run-to-completion: nobody else does; while the application computes, " +
      "nothing is acknowledged, repeated or answered.",
  );
lstack
  .toggle("listen_shadow", 0, "1: listen on every stack of the process.")
  .meaning(
    "0: a listener and its connections are in the stack of the thread that made it; what arrives in the " +
      "queues of others is handed on. 1: connections stay in the stack whose queue they arrive in.",
  );
lstack
  .toggle("low_power_mode", 0, "1: a thread that waits sleeps at once.")
  .meaning(
    "0: it first looks for 50 us whether something arrives, while that pays. An idle stack sleeps in any " +
      "case.",
  );
export const kniSwitch = lstack
  .toggle("kni_switch", 0, "1: give the kernel a device for what no socket wants.")
  .meaning(
    "The device has host_addr and the stack's MAC address: programs of the kernel's stack serve on the " +
      "same address. It takes CAP_NET_ADMIN and /dev/net/tun. flow_bifurcation is another name. " +
      "With use_ltran = 1 the device is that of ltran.conf.",
  );
lstack
  .text("kni_device", Kind.Name, "Name of the kernel's device of kni_switch.")
  .between(0, 15)
  .defaultsTo('"kni"');
export const mainThreadAffinity = lstack
  .toggle("main_thread_affinity", 0, "1: the main thread is moved to a CPU like all others; see below.")
  .meaning("0: it stays where it is.");
export const appBindNuma = lstack
  .toggle("app_bind_numa", 0, "1: move application threads to the NUMA node of their stack; see below.")
  .meaning("0: only num_cpus moves threads.")
  .carriedByOthers();
export const appExcludeCpus = lstack
  .text("app_exclude_cpus", Kind.NumberList, "CPUs to which no thread of the application is moved.")
  .between(0, MOST_CPUS - 1)
  .defaultsTo("none")
  .carriedByOthers();
lstack
  .toggle("stack_interrupt", 0, "1: sleep until the device interrupts.")
  .withoutEffect(0, "an idle stack sleeps on the port's descriptor wherever the port has one");
lstack
  .toggle("use_sockmap", 0, "1: short cut between processes of one host.")
  .withoutEffect(0, "traffic within the host takes the ordinary way");
lstack
  .text("host_addr6", Kind.Address6, "IPv6 address of the stack.")
  .withoutEffect(0, "the stack speaks IPv4 only so far")
  .defaultsTo("none");

export const useLtran = lstack
  .toggle("use_ltran", 0, "1: reach the device through the ltran process.")
  .meaning(
    "unix_prefix must be the same in both files. devices may be left out, or be the MAC address of ltran's " +
      "device; dpdk_args is ltran's business.",
  )
  .carriedByOthers();
export const stackNum = lstack
  .integer("stack_num", 0, "Stacks of the process, when num_cpus does not say it.")
  .between(0, MOST_STACKS)
  .meaning("0: as many as num_cpus has CPUs, or one.")
  .carriedByOthers();
export const nicVlanMode = lstack
  .integer("nic_vlan_mode", -1, "VLAN of all frames.")
  .between(-1, 4094)
  .meaning(
    "-1 and 0: untagged. With use_ltran = 1 only, and ltran must allow it (allow_vlans). Without ltran use " +
      "an interface of the kernel such as eth0.7 with port packet.",
  );
export const numProcess = lstack
  .integer("num_process", 1, "Processes that share the device.")
  .between(1, 255)
  .refused(1, "a device cannot be shared yet; give every process a device of its own");
export const processIdx = lstack
  .integer("process_idx", 0, "Index of this process among num_process.")
  .between(0, 254)
  .refused(0, "a device cannot be shared yet; give every process a device of its own");
lstack
  .text("process_numa", Kind.NumberList, "NUMA nodes of num_process processes.")
  .between(0, 7)
  .withoutEffect(0, "a device cannot be shared yet")
  .defaultsTo("none");
lstack
  .toggle("tuple_filter", 0, "1: steer connections by rules of the device.")
  .refused(0, "the device is not programmed yet; leave it to its RSS");
lstack
  .integer("bond_mode", -1, "Bond of two devices: 1 active-backup, 4 802.3ad, 6 ALB.")
  .onlyOf([-1, 1, 4, 6])
  .meaning("-1: no bond.")
  .refused(-1, "use a bond of the kernel with port packet, or DPDK's --vdev net_bonding0,mode=...");
lstack
  .integer("bond_miimon", 10, "Milliseconds between two looks at the links of a bond.")
  .between(1, 2147483647)
  .withoutEffect(10, "there is no bond yet");
lstack
  .text("bond_slave_mac", Kind.DeviceList, "Members of the bond.")
  .withoutEffect(0, "there is no bond yet")
  .defaultsTo("none");

export const prefixLength = lstack
  .integer("prefix_length", 0, "Bits of the network in mask_addr.")
  .computed();
export const portKind = lstack
  .add("port_kind", Kind.Choice, 0, "The port that auto led to.")
  .oneOf(["packet", "dpdk", "ltran"])
  .computed();
export const deviceMac = lstack.text("device_mac", Kind.Mac, "devices, if it is a MAC address.").computed();
export const deviceName = lstack
  .text("device_name", Kind.Device, "devices, if it is the name of an interface.")
  .computed();
export const stacks = lstack.integer("stacks", 1, "How many stacks the process has.").computed();
export const cpus = lstack
  .text("cpus", Kind.Arguments, "The CPU of each stack, as text; empty: none is bound.")
  .computed();
export const firstCpus = lstack
  .text("first_cpus", Kind.Arguments, "For each stack, CPUs of the first thread at home there; empty: any.")
  .computed();
export const otherCpus = lstack
  .text("other_cpus", Kind.Arguments, "For each stack, CPUs of the other threads at home there; empty: any.")
  .computed();
export const stackNodes = lstack
  .text("stack_nodes", Kind.Arguments, "The NUMA node of each stack's memory; empty: not known.")
  .computed();
export const memorySize = lstack.integer("memory_size", 0, "Size of the region in MiB.").computed();
export const hugePages = lstack.toggle("huge_pages", 0, "Whether dpdk_args asks for huge pages.").computed();
export const ealArgs = lstack
  .text("eal_args", Kind.Arguments, "argv for the EAL of DPDK; empty without DPDK.")
  .computed();

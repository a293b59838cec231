// Every option of ltran.conf, declared once, as lstack/options.ts does for lstack.conf. The program gets all
// values that are not carried by others, as JSON; ctl/ltran-config.ts gives them their types.
import { declareRateLimits } from "../limits";
import { Kind, MOST_CPUS } from "../option";
import { Table } from "../table";
import { aliases, retired } from "./retired";

/** The options of ltran.conf. */
export const ltran = new Table("ltran.conf", aliases, retired);

const MOST_INTEGER: f64 = 2_147_483_647;
/** The original's documentation allows 2^64 - 1 - 10^6 milliseconds. */
const MOST_MIIMON: u64 = 18_446_744_073_708_551_615;
/** Every client lays its rings into the one address space of the forwarding module. */
const MOST_CLIENTS: f64 = 512;
/** Devices that a mask of bond_ports can name. */
const MOST_PORTS: f64 = 8;

export const forwardKit = ltran
  .choice("forward_kit", ["auto", "packet", "dpdk"], "How frames reach the network devices.")
  .meaning(
    '"packet": AF_PACKET rings on interfaces that stay with the kernel, named in devices. "dpdk": drivers ' +
      'of DPDK, whose devices forward_kit_args names. "auto": packet if devices is given, otherwise dpdk.',
  )
  .carriedByOthers();
export const forwardKitArgs = ltran
  .text(
    "forward_kit_args",
    Kind.Words,
    "Arguments for DPDK's environment abstraction layer (EAL); see below.",
  )
  .between(0, 64)
  .defaultsTo('"": no huge pages; with forward_kit "dpdk", every device that DPDK finds')
  .carriedByOthers();
export const devices = ltran
  .text("devices", Kind.InterfaceList, "The network interfaces that ltran forwards for.")
  .between(1, MOST_PORTS)
  .meaning("The first one is port 0 of bond_ports, the second one port 1, and so on.")
  .defaultsTo('with forward_kit "packet" it must be given');
export const forwardCpu = ltran
  .integer("forward_cpu", -1, "The CPU of the forwarding thread.")
  .between(0, MOST_CPUS - 1)
  .except(-1)
  .meaning("-1: any.");
export const bondPorts = ltran
  .text("bond_ports", Kind.MaskList, "The ports of each bond, as a mask of their numbers.")
  .between(1, MOST_PORTS)
  .meaning('"0x3,0xc" are two bonds of two ports. A port is in one bond at most; a bond may have one port.')
  .mustBeGiven();
export const bondMacs = ltran
  .text("bond_macs", Kind.MacList, "The MAC address of each bond, in the order of bond_ports.")
  .between(1, MOST_PORTS)
  .meaning("The stacks of its clients have the same one: it is devices in their lstack.conf.")
  .mustBeGiven();
ltran
  .integer("bond_mode", 1, "How the ports of a bond are used: 1 active-backup, 4 802.3ad, 6 ALB.")
  .onlyOf([1, 4, 6])
  .meaning("With 4 the other end has one aggregation of the same links. What 6 can do: ltran.md.");
ltran
  .integer("bond_miimon", 100, "Milliseconds between two looks at the links of a bond.")
  .between(1, MOST_INTEGER)
  .tolerating(MOST_MIIMON)
  .meaning("Above 2147483647 it counts as that.");
ltran
  .integer("bond_mtu", 1500, "Largest IP packet, in bytes; the MTU of every port is set to it.")
  .between(68, 65535)
  .meaning(
    "While ltran runs its interfaces have this MTU, which takes CAP_NET_ADMIN if theirs is another one; " +
      "it is taken back at the end, after a crash when ltran starts again. Programs get it, too.",
  );
ltran
  .integer("nic_rxqueue_size", 1024, "Receive descriptors of each port.")
  .between(512, 8192)
  .onlyPowersOfTwo()
  .meaning("With forward_kit packet each takes 70 KB of the kernel's memory, as it holds a frame of 64 KB.");
ltran
  .integer("dispatch_max_clients", 32, "Most processes that can be registered at a time.")
  .between(1, MOST_CLIENTS);
export const dispatchSubnet = ltran
  .text("dispatch_subnet", Kind.Address4, "The IPv4 network in which the addresses of all clients lie.")
  .like("192.168.1.0")
  .meaning("Its last dispatch_subnet_length bits are zero.")
  .mustBeGiven();
export const dispatchSubnetLength = ltran
  .integer("dispatch_subnet_length", 0, "Bits of an address that tell hosts of dispatch_subnet apart.")
  .between(1, 16)
  .meaning("8 are 256 addresses: a mask of 24 bits.")
  .mustBeGiven();
export const dispatchSubnet6 = ltran
  .text("dispatch_subnet6", Kind.Network6, "The IPv6 network in which the IPv6 addresses of clients lie.")
  .meaning("Clients with IPv6 speak memif: see memif_clients.")
  .defaultsTo("no client has an IPv6 address");
ltran
  .text("allow_uids", Kind.IdList, "Users whose processes may register.")
  .between(0, 64)
  .meaning(
    "A process may register if its user or its group is allowed; root and the user of ltran always may.",
  )
  .defaultsTo('"": no others than root and the user of ltran');
ltran
  .text("allow_gids", Kind.IdList, "Groups whose processes may register.")
  .between(0, 64)
  .meaning("As allow_uids; the effective group of a process counts.")
  .defaultsTo('""');
export const allowVlans = ltran
  .text("allow_vlans", Kind.IdList, "VLANs that programs may be in, from 1 to 4094.")
  .between(0, 64)
  .meaning(
    "A program names its own with nic_vlan_mode. " +
      "Its frames are tagged on the device and untagged in its ring.",
  )
  .defaultsTo('"": untagged frames only');
export const addressUids = ltran
  .text("address_uids", Kind.OwnerList, "Addresses, and the users whose processes may take them.")
  .between(0, 64)
  .meaning(
    "Given, it names every address that anybody but root may take; an address may be named several times.",
  )
  .defaultsTo('"": whoever may register takes whatever address is free');
export const memifClients = ltran
  .text("memif_clients", Kind.AddressMap, "Clients that speak memif, such as DPDK's net_memif, by number.")
  .between(0, 64)
  .meaning(
    "Each number is the id of an interface at the socket ltran_memif.sock, with the address, IPv4 or IPv6, " +
      "that it has; " +
      "its MAC address is that of bond_macs. allow_uids and allow_gids say who may connect.",
  )
  .defaultsTo('"": none, and no such socket');
ltran
  .toggle("direct_rings", 1, "1: programs that talk to each other get a ring of their own, past ltran.")
  .meaning("With a rate limit there are none. 0: everything goes through ltran.");
declareRateLimits(
  ltran,
  "the stacks of one process may send together",
  "Beyond it frames stay in the client's ring, and then the client has to wait.",
);
ltran
  .integer("memory", 256, "Size in MiB of the tables of flows and listeners.")
  .between(32, 2048)
  .meaning("It decides how many connections there can be through ltran.");
ltran
  .integer(
    "tcp_conn_scan_interval",
    600,
    "Seconds between two searches for entries of clients that are gone.",
  )
  .between(0, 86400)
  .meaning("0: all the time, a part with every look at the ports.");
ltran
  .toggle("low_power_mode", 0, "1: the forwarding thread sleeps as soon as it has nothing to do.")
  .meaning("0: it first looks whether something arrives, while that pays. Idle, it sleeps in any case.");
ltran
  .text("unix_prefix", Kind.Name, "Comes before ltran_client.sock and ltran_cmd.sock in the sockets' names.")
  .between(0, 64)
  .meaning("Clients have the same one in their lstack.conf.")
  .defaultsTo('""');
ltran
  .toggle("kni_switch", 0, "1: give the kernel a device for what no client wants.")
  .meaning(
    "The device has the clients' addresses and the bond's MAC address: programs of the kernel's stack " +
      "serve on the same addresses. It takes CAP_NET_ADMIN and /dev/net/tun. Another name: flow_bifurcation.",
  );
ltran
  .text("kni_device", Kind.Name, "Name of the kernel's device of kni_switch.")
  .between(0, 15)
  .defaultsTo('"kni"');
export const receiveBuffers = ltran
  .integer("rx_mbuf_pool_size", 0, "With DPDK, packet buffers for frames received by a port.")
  .between(1, MOST_INTEGER)
  .except(0)
  .meaning("0: as many as nic_rxqueue_size needs, at least 4095. Each takes 2.2 KB of the 4096 MiB window.");
export const transmitBuffers = ltran
  .integer("tx_mbuf_pool_size", 0, "With DPDK, packet buffers for frames to be sent by a port.")
  .between(1, MOST_INTEGER)
  .except(0)
  .meaning("0: 4095. Each takes 2.4 KB of the memory that -m or --socket-mem in forward_kit_args gives.");

export const portKind = ltran
  .add("port_kind", Kind.Choice, 0, "What forward_kit led to.")
  .oneOf(["packet", "dpdk"])
  .computed();
export const hugePages = ltran
  .toggle("huge_pages", 0, "Whether forward_kit_args asks for huge pages.")
  .computed();
export const ealArgs = ltran
  .text("eal_args", Kind.Arguments, "argv for the EAL of DPDK; empty without DPDK.")
  .computed();

import { Alias, Retired } from "../table";

const NO_QUEUES = "there are no message queues between threads here; remove the line";
const SOCKET_BUFFERS =
  "socket buffers grow with their connection, up to SO_SNDBUF and SO_RCVBUF; remove the line";
const MEMORY = "memory decides how many packet buffers there are; remove the line";

/** Keys of the original that were removed there or mean nothing here. */
export const retired: Retired[] = [
  new Retired("num_weakup", NO_QUEUES),
  new Retired("num_wakeup", NO_QUEUES),
  new Retired("rpc_number", NO_QUEUES),
  new Retired("rpc_msg_max", NO_QUEUES),
  new Retired("send_connect_number", "every connection is served in every round; remove the line"),
  new Retired("read_connect_number", "every connection is served in every round; remove the line"),
  new Retired("send_cache_mode", "frames always leave in batches; remove the line"),
  new Retired("mem_async_mode", "buffers are never handed between threads here; remove the line"),
  new Retired("mem_cache_num", MEMORY),
  new Retired("mbuf_pool_size", MEMORY),
  new Retired("send_ring_size", SOCKET_BUFFERS),
  new Retired("recv_ring_size", SOCKET_BUFFERS),
  new Retired("expand_send_ring", SOCKET_BUFFERS),
  new Retired("seperate_send_recv", "sending and receiving share one stack; remove the line"),
  new Retired("nonblock_mode", "sockets block exactly when the program asks for it; remove the line"),
  new Retired("numa_bind", "remove the line; app_bind_numa is the key now"),
  new Retired("ipv6_enable", "remove the line; host_addr6 is the key for IPv6"),
  new Retired(
    "xdp_eth_name",
    "name the interface in devices, or in dpdk_args after --vdev net_af_xdp0,iface=",
  ),
];

/** Misspelt or older names of options. */
export const aliases: Alias[] = [
  new Alias("flow_bifurcation", "kni_switch", true),
  new Alias("kni_swith", "kni_switch"),
  new Alias("nic_read_num", "nic_read_number"),
];

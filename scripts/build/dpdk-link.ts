// DPDK is linked statically, with the drivers that are of use and nothing else: its shared build loads every
// driver there is when the EAL starts (240 to 560 ms in place of 140 ms).

const LIBRARIES = [
  ...[
    "eal",
    "kvargs",
    "telemetry",
    "timer",
    "ring",
    "rcu",
    "mempool",
    "mempool_ring",
    "mbuf",
    "net",
    "meter",
  ],
  ...["ethdev", "pci", "bus_pci", "bus_vdev", "cryptodev", "security", "hash", "sched", "gso", "ip_frag"],
];

/** Virtual devices first, then NICs on the PCI bus. */
const DRIVERS = [
  ...["net_af_packet", "net_af_xdp", "net_tap", "net_memif", "net_bond", "net_ring"],
  ...["net_virtio", "net_e1000", "common_iavf", "net_ixgbe", "net_i40e", "net_iavf", "net_ice", "net_ena"],
  "net_vmxnet3",
];

/** Calls of the drivers that lstack/port/dpdk/wrap.c watches or keeps from the application. */
const WRAPPED = [
  ...["socket", "setsockopt", "ioctl", "xsk_socket__create", "open64", "fcntl64", "poll", "getopt_long"],
  ...["openlog", "__syslog_chk"],
];

/**
 * Options for compiling against DPDK's headers; the buffers in linear memory need a call that is still marked
 * experimental.
 */
export const DPDK_COMPILE = [
  "-isystem/usr/include/dpdk",
  `-isystem/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/dpdk`,
  "-include",
  "rte_config.h",
  "-DALLOW_EXPERIMENTAL_API",
];

/** Every archive is taken whole: drivers register themselves in constructors. */
export const DPDK_LINK = [
  "-Wl,--whole-archive",
  ...[...LIBRARIES, ...DRIVERS].map((name) => `-l:librte_${name}.a`),
  "-Wl,--no-whole-archive",
  ...WRAPPED.map((name) => `-Wl,--wrap=${name}`),
  "-Wl,--exclude-libs,ALL",
  "-Wl,-Bsymbolic",
  ...["-lxdp", "-lbpf", "-lelf", "-lz", "-lnuma", "-lbsd", "-lpthread", "-ldl", "-lm"],
];

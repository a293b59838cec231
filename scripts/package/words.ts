/** What packages say about themselves. */

/** Packages want an address of somebody; the project's own, as there is no person to name. */
export const MAINTAINER = "Gazelle <gazelle@localhost>";

/** The oldest Node that programs of the installation run on: Debian 12's own. */
export const NODE_LEAST = "18.19";

export const SUMMARY = "user-mode TCP/IP stack for unmodified programs";

/** Lines of a longer description. */
export const TEXT = [
  "Gazelle serves the socket calls of an unmodified program (Redis, MySQL, nginx)",
  "from a TCP/IP stack in the process itself, on DPDK or AF_PACKET, without the",
  "kernel on the way: LD_PRELOAD=liblstack.so. ltran shares one NIC among many",
  "processes; gazellectl shows what happens.",
] as const;

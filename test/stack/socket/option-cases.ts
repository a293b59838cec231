import type * as system from "../../../build/generated/node/system.js";

/** One option at one level, the values it is tried with, and the sockets it is tried on. */
export interface OptionCase {
  name: keyof typeof system;
  level: keyof typeof system;
  values: number[];
}

const FLAG = [0, 1, 2, -1];

function group(level: OptionCase["level"], names: [OptionCase["name"], number[]][]): OptionCase[] {
  return names.map(([name, values]) => ({ name, level, values }));
}

/** Options that the stack has: their whole behaviour on a fresh socket is the kernel's. */
export const SAME: OptionCase[] = [
  ...group("SOL_SOCKET", [
    ["SO_REUSEADDR", FLAG],
    ["SO_REUSEPORT", FLAG],
    ["SO_KEEPALIVE", FLAG],
    ["SO_BROADCAST", FLAG],
    ["SO_OOBINLINE", FLAG],
    ["SO_DONTROUTE", FLAG],
    ["SO_SNDLOWAT", [1, 5]],
    ["SO_RCVLOWAT", [0, 1, 7, 4096]],
    ["SO_ERROR", [0, 1]],
    ["SO_TYPE", [1]],
    ["SO_PROTOCOL", [6]],
    ["SO_DOMAIN", [2]],
    ["SO_ACCEPTCONN", [1]],
    ["SO_PRIORITY", [0, 3, 6]],
    ["SO_TIMESTAMP", FLAG],
    ["SO_TIMESTAMPNS", FLAG],
    ["SO_SNDBUF", [1, 4000, 100_000, 212_992]],
    ["SO_RCVBUF", [1, 4000, 100_000, 212_992]],
  ]),
  ...group("IPPROTO_IP", [
    ["IP_TOS", [0, 0x10, 0xb8, 0x13, 255]],
    ["IP_TTL", [-1, 0, 1, 64, 255, 256]],
    ["IP_PKTINFO", FLAG],
    ["IP_RECVERR", FLAG],
    ["IP_RECVTTL", FLAG],
    ["IP_RECVTOS", FLAG],
    ["IP_RECVORIGDSTADDR", FLAG],
    ["IP_FREEBIND", FLAG],
    ["IP_BIND_ADDRESS_NO_PORT", FLAG],
    ["IP_MTU_DISCOVER", [-1, 0, 1, 2, 3, 4, 5, 6]],
    ["IP_MTU", [1500]],
  ]),
];

/** The same for streams. */
export const SAME_STREAM: OptionCase[] = [
  ...group("IPPROTO_TCP", [
    ["TCP_NODELAY", FLAG],
    ["TCP_CORK", FLAG],
    ["TCP_QUICKACK", [0, 1]],
    ["TCP_KEEPIDLE", [-1, 0, 1, 60, 32_767, 32_768]],
    ["TCP_KEEPINTVL", [-1, 0, 1, 60, 32_767, 32_768]],
    ["TCP_KEEPCNT", [-1, 0, 1, 127, 128]],
    ["TCP_SYNCNT", [-1, 0, 1, 127, 128]],
    ["TCP_LINGER2", [-5, 0, 1, 30, 120, 121, 1000]],
    ["TCP_DEFER_ACCEPT", [-1, 0, 1, 2, 3, 5, 30, 100, 1000]],
    ["TCP_WINDOW_CLAMP", [0, 1, 5000, 100_000]],
    ["TCP_USER_TIMEOUT", [-1, 0, 1, 30_000]],
    ["TCP_MAXSEG", [0, 1, 87, 88, 536, 1460, 32_767, 32_768]],
  ]),
];

/** Levels that a kind of socket does not have: the answer is an error, the kernel's. */
export const STRANGE: OptionCase[] = [
  { name: "TCP_NODELAY", level: "IPPROTO_TCP", values: [1] },
  { name: "IPV6_V6ONLY", level: "IPPROTO_IPV6", values: [1] },
];

/** Options of Linux that the stack refuses with ENOPROTOOPT; docs/socket-options.md lists them. */
export const REFUSED: OptionCase[] = [
  ...group("SOL_SOCKET", [
    ["SO_NO_CHECK", [1]],
    ["SO_BSDCOMPAT", [1]],
    ["SO_PASSCRED", [1]],
    ["SO_PEERCRED", [1]],
    ["SO_RCVTIMEO", [1]],
    ["SO_SNDTIMEO", [1]],
    ["SO_BINDTODEVICE", [1]],
    ["SO_ATTACH_FILTER", [1]],
    ["SO_DETACH_FILTER", [1]],
    ["SO_PEERNAME", [1]],
    ["SO_TIMESTAMPING", [1]],
    ["SO_RXQ_OVFL", [1]],
    ["SO_PEEK_OFF", [1]],
    ["SO_BUSY_POLL", [1]],
    ["SO_MAX_PACING_RATE", [1]],
    ["SO_INCOMING_CPU", [1]],
    ["SO_INCOMING_NAPI_ID", [1]],
    ["SO_COOKIE", [1]],
    ["SO_ZEROCOPY", [1]],
    ["SO_TXTIME", [1]],
  ]),
  ...group("IPPROTO_IP", [
    ["IP_HDRINCL", [1]],
    ["IP_OPTIONS", [1]],
    ["IP_RECVOPTS", [1]],
    ["IP_RETOPTS", [1]],
    ["IP_TRANSPARENT", [1]],
    ["IP_MINTTL", [1]],
    ["IP_MULTICAST_IF", [1]],
    ["IP_MULTICAST_TTL", [1]],
    ["IP_MULTICAST_LOOP", [1]],
    ["IP_ADD_MEMBERSHIP", [1]],
    ["IP_DROP_MEMBERSHIP", [1]],
  ]),
  ...group("IPPROTO_TCP", [
    ["TCP_MD5SIG", [1]],
    ["TCP_REPAIR", [1]],
    ["TCP_FASTOPEN", [1]],
    ["TCP_FASTOPEN_CONNECT", [1]],
    ["TCP_TIMESTAMP", [1]],
    ["TCP_NOTSENT_LOWAT", [1]],
    ["TCP_CC_INFO", [1]],
    ["TCP_SAVE_SYN", [1]],
    ["TCP_ULP", [1]],
    ["TCP_ZEROCOPY_RECEIVE", [1]],
    ["TCP_INQ", [1]],
  ]),
  ...group("IPPROTO_UDP", [
    ["UDP_CORK", [1]],
    ["UDP_SEGMENT", [1]],
    ["UDP_GRO", [1]],
  ]),
];

/** A feature taken out of a module by changing one line of it, and the test file that must notice. */
export interface Mutation {
  name: string;
  /** The module, the stack unless said otherwise. */
  module?: "dispatch";
  /** File below the module's folder, and the text in it that is replaced. */
  file: string;
  from: string;
  to: string;
  /** Test file below test/, without its extension. */
  test: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "SACK sent",
    file: "tcp/out-of-order.ts",
    from: "if (tcb.runCount == 0 || !tcbHas(tcb, TcbFlag.sackPermitted)) return 0;",
    to: "if (tcb.runCount < 1000) return 0;",
    test: "stack/tcp/sack.test",
  },
  {
    name: "SACK taken",
    file: "tcp/sack.ts",
    from: "if (!before(start, end) || ",
    to: "if (start != end || ",
    test: "stack/tcp/sack.test",
  },
  {
    name: "PAWS",
    file: "tcp/synchronised.ts",
    from: "if (!before(s.timestampValue, tcb.timestampRecent)) return false;",
    to: "if (s.timestampValue != 1) return false;",
    test: "stack/tcp/timestamps.test",
  },
  {
    name: "persist timer",
    file: "tcp/output-data.ts",
    from: "if (tcb.persistAt != 0 || tcb.sndNxt != tcb.sndUna) return;",
    to: "if (tcb.persistAt == 0) return;",
    test: "stack/tcp/zero-window.test",
  },
  {
    name: "challenge ACK",
    file: "tcp/reset.ts",
    from: "if (r.challengeAckCount == 0) return;",
    to: "if (r.challengeAckCount != 0) return;",
    test: "stack/tcp/challenge-ack.test",
  },
  {
    name: "window scaling of the peer",
    file: "tcp/handshake.ts",
    from: "tcb.sndScale = <u8>s.windowScale;",
    to: "tcb.sndScale = 0;",
    test: "stack/tcp/window.test",
  },
  {
    name: "window scaling of ours",
    file: "tcp/handshake.ts",
    from: "tcb.rcvScale = RECEIVE_SCALE;",
    to: "tcb.rcvScale = 0;",
    test: "stack/tcp/window.test",
  },
  {
    name: "delayed ACK",
    file: "tcp/established.ts",
    from: "} else if (tcb.quickAcks != 0 || ",
    to: "} else if (tcb.quickAcks < 255 || ",
    test: "stack/tcp/delayed-ack.test",
  },
  {
    name: "frames claimed for all stacks",
    file: "link/kernel-port.ts",
    from: "    claimFrame();\n",
    to: "",
    test: "stack/link/kernel-port.test",
  },
  {
    name: "all bits of a flow's owner",
    module: "dispatch",
    file: "tables/flow.ts",
    from: "f.owner = <u16>v.id;",
    to: "f.owner = <u16>(v.id & 255);",
    test: "dispatch/limits.test",
  },
  {
    name: "the bound of extension headers",
    module: "dispatch",
    file: "forward/extension-headers.ts",
    from: "|| count == HEADERS_MOST)",
    to: ")",
    test: "dispatch/ipv6.test",
  },
  {
    name: "extension headers that are longer than what is looked at",
    module: "dispatch",
    file: "forward/extension-headers.ts",
    from: "return c.length > present ? DropReason.extensionHeaders : DropReason.count;",
    to: "return DropReason.count;",
    test: "dispatch/ipv6.test",
  },
  {
    name: "the end at the header of a later fragment",
    module: "dispatch",
    file: "forward/extension-headers.ts",
    from: "while (ipv6IsExtension(c.protocol) && (c.fragment & IPV4_OFFSET_MASK) == 0) {",
    to: "while (ipv6IsExtension(c.protocol)) {",
    test: "dispatch/ipv6.test",
  },
  {
    name: "IPv4 addresses in the form of IPv6 refused",
    module: "dispatch",
    file: "forward/parse-ipv6.ts",
    from: "if (isIpv4(f.sourceHigh, f.sourceLow) || isIpv4(f.destinationHigh, f.destinationLow)) {",
    to: "if (false) {",
    test: "dispatch/ipv6.test",
  },
  {
    name: "IPv6 sources checked",
    module: "dispatch",
    file: "forward/from-vport.ts",
    from: "if (!isFromOwnAddress(v, f)) {",
    to: "if (f.isIpv6 == 0 && !isFromOwnAddress(v, f)) {",
    test: "dispatch/hostile-ipv6.test",
  },
  {
    name: "hardware addresses in neighbour discovery checked",
    module: "dispatch",
    file: "forward/neighbour.ts",
    from: "if (!mayName || !linkOptionIsEthernet(at) || linkOptionMac(at) != mac) return false;",
    to: "if (!mayName) return false;",
    test: "dispatch/hostile-ipv6.test",
  },
  {
    name: "targets of advertisements checked",
    module: "dispatch",
    file: "forward/neighbour.ts",
    from: "return isTarget && !isNameless;",
    to: "return !isNameless;",
    test: "dispatch/hostile-ipv6.test",
  },
  {
    name: "the hop limit of neighbour discovery",
    module: "dispatch",
    file: "forward/neighbour.ts",
    from: "isWhole && ipv6HopLimit(f.packet) == NEIGHBOUR_HOP_LIMIT && ",
    to: "isWhole && ipv6HopLimit(f.packet) != 0 && ",
    test: "dispatch/neighbours.test",
  },
  {
    name: "the length of what neighbour discovery says",
    module: "dispatch",
    file: "forward/neighbour.ts",
    from: "const isWhole = ETHERNET_HEADER + f.packetLength <= f.headLength && f.isFragment == 0;",
    to: "const isWhole = f.isFragment == 0;",
    test: "dispatch/neighbours.test",
  },
];

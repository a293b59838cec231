/** A feature taken out of the stack by changing one line of it, and the test file that must notice. */
export interface Mutation {
  name: string;
  /** File below stack/, and the text in it that is replaced. */
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
];

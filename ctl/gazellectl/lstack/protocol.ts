import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import { type DropName, type Numbers, numbersOf } from "./numbers.js";

/** What is told of one protocol in one stack. */
interface Row {
  stack: number | null;
  protocol: string;
  tx: bigint;
  rx: bigint;
  drop: bigint;
  chkerr: bigint;
  memerr: bigint;
  rterr: bigint | null;
}

interface Protocol {
  tx: (numbers: Numbers) => bigint;
  rx: (numbers: Numbers) => bigint;
  /** Reasons for which what was received is discarded, those below included. */
  drops: readonly DropName[];
  malformed: readonly DropName[];
  noMemory: readonly DropName[];
  noRoute?: readonly DropName[];
}

/** Reasons that belong to no protocol alone, such as noBuffer, are shown by `show`. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  TCP: {
    tx: (n) => n.counter("tcpSegmentsOut"),
    rx: (n) => n.counter("tcpSegmentsIn"),
    drops: [
      "tcpMalformed",
      "tcpNoConnection",
      "tcpOutOfWindow",
      "tcpPaws",
      "tcpUnacceptable",
      "tcpBacklogFull",
      "tcpSynQueue",
      "tcpAfterClose",
      "noTcb",
      "duplicate",
    ],
    malformed: ["tcpMalformed"],
    noMemory: ["noTcb"],
  },
  UDP: {
    tx: (n) => n.counter("udpOut"),
    rx: (n) => n.counter("udpIn") + n.drop("udpMalformed", "udpNoPort", "udpQueueFull"),
    drops: ["udpMalformed", "udpNoPort", "udpQueueFull"],
    malformed: ["udpMalformed"],
    noMemory: ["udpQueueFull"],
  },
  ICMP: {
    tx: (n) => n.counter("icmpEchoReplies", "icmpErrorsOut"),
    rx: (n) => n.counter("icmpIn"),
    drops: ["icmpMalformed", "icmpUnrelated"],
    malformed: ["icmpMalformed"],
    noMemory: [],
  },
  IP: {
    tx: (n) => n.counter("ipOut"),
    rx: (n) => n.counter("ipIn"),
    drops: [
      "ipHeader",
      "ipChecksum",
      "ipNotOurs",
      "ipMartian",
      "ipProtocol",
      "fragmentOverlap",
      "fragmentMalformed",
      "fragmentTimeout",
      "fragmentNoRoom",
    ],
    malformed: ["ipHeader", "ipChecksum", "fragmentMalformed"],
    noMemory: ["fragmentNoRoom"],
    noRoute: ["ipNoRoute"],
  },
  ETHARP: {
    tx: (n) => n.counter("arpRequestsOut", "arpRepliesOut"),
    rx: (n) => n.counter("arpRequestsIn", "arpRepliesIn"),
    drops: ["arpMalformed", "arpIgnored"],
    malformed: ["arpMalformed"],
    noMemory: ["noNeighbour"],
  },
};

const sheet = new Sheet<Row>("protocols", "lines", "What a protocol did in each stack.")
  .column("stack", "number", "Number of the stack in its process.", (row) => row.stack)
  .column("protocol", "text", "TCP, UDP, ICMP, IP or ETHARP.", (row) => row.protocol)
  .column("tx", "packets", "Packets of it sent.", (row) => row.tx)
  .column("rx", "packets", "Packets of it received.", (row) => row.rx)
  .bad("drop", "packets", "Received ones that were discarded, for whatever reason.", (row) => row.drop)
  .bad("chkerr", "packets", "Those with a wrong checksum, header or length.", (row) => row.chkerr)
  .bad("memerr", "packets", "Those for which there was no room.", (row) => row.memerr)
  .bad("rterr", "packets", "Packets to be sent for which there was no route; IP only.", (row) => row.rterr);

function rowOf(name: string, n: Numbers): Row {
  const protocol = PROTOCOLS[name];
  if (protocol === undefined) throw new Error(`no protocol ${name}`);
  const { drops, malformed, noMemory, noRoute } = protocol;
  return {
    stack: n.stack,
    protocol: name,
    tx: protocol.tx(n),
    rx: protocol.rx(n),
    drop: n.drop(...drops),
    chkerr: n.drop(...malformed),
    memerr: n.drop(...noMemory),
    rterr: noRoute === undefined ? null : n.drop(...noRoute),
  };
}

/** `gazellectl lstack show TARGET -p PROTOCOL`. */
export const protocol: View<Instance> = {
  words: ["-p", "protocol"],
  about: "packets, drops and errors of a protocol",
  time: "none",
  choice: { name: "protocol", values: ["UDP", "TCP", "ICMP", "IP", "ETHARP"] },
  sheets: [sheet],
  async read({ stacks }, { choice }) {
    const names = choice === undefined ? Object.keys(PROTOCOLS) : [choice.toUpperCase()];
    return [sheet.section(numbersOf(stacks).flatMap((n) => names.map((name) => rowOf(name, n))))];
  },
};

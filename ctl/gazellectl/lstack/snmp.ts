import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import { type Numbers, numbersOf } from "./numbers.js";

type Of = (numbers: Numbers) => bigint;

const IP: readonly (readonly [string, string, Of])[] = [
  ["ip_in_recv", "IP packets received.", (n) => n.counter("ipIn")],
  [
    "ip_inhdr_err",
    "IP packets with a wrong header or header checksum.",
    (n) => n.drop("ipHeader", "ipChecksum"),
  ],
  [
    "ip_inaddr_err",
    "IP packets to or from addresses that make no sense here.",
    (n) => n.drop("ipNotOurs", "ipMartian"),
  ],
  ["ip_inunknownprot", "IP packets of a protocol that nobody here speaks.", (n) => n.drop("ipProtocol")],
  ["ip_in_deliver", "IP packets delivered to a transport.", (n) => n.counter("ipDelivered")],
  ["ip_out_req", "IP packets sent.", (n) => n.counter("ipOut")],
  [
    "ip_out_discard",
    "Packets to be sent that were discarded, a missing route not counted.",
    (n) => n.drop("txRingFull", "neighbourQueue", "noNeighbour", "rateLimited", "ringDetached", "portClosed"),
  ],
  ["ip_outnort", "Packets to be sent for which there was no route.", (n) => n.drop("ipNoRoute")],
  ["ip_reasm_reqd", "Fragments received.", (n) => n.counter("ipFragmentsIn")],
  ["ip_reasm_ok", "Packets reassembled.", (n) => n.counter("ipReassembled")],
  [
    "ip_reasm_fail",
    "Fragments, or packets of fragments, given up.",
    (n) => n.drop("fragmentTimeout", "fragmentOverlap", "fragmentMalformed", "fragmentNoRoom"),
  ],
  ["ip_frag_ok", "Packets sent as fragments.", (n) => n.counter("ipFragmented")],
  ["ip_frag_create", "Fragments sent.", (n) => n.counter("ipFragmentsOut")],
];

const UDP: readonly (readonly [string, string, Of])[] = [
  ["udp_in_datagrams", "Datagrams delivered to a socket.", (n) => n.counter("udpIn")],
  ["udp_no_ports", "Datagrams for a port that nobody is bound to.", (n) => n.drop("udpNoPort")],
  [
    "udp_in_errors",
    "Datagrams that were malformed or found a full queue.",
    (n) => n.drop("udpMalformed", "udpQueueFull"),
  ],
  ["udp_out_datagrams", "Datagrams sent.", (n) => n.counter("udpOut")],
];

const TCP: readonly (readonly [string, string, Of])[] = [
  ["tcp_act_open", "Connections opened by connect.", (n) => n.counter("tcpActiveOpens")],
  ["tcp_passive_open", "Connections opened by a peer.", (n) => n.counter("tcpPassiveOpens")],
  ["tcp_attempt_fail", "Handshakes that failed.", (n) => n.counter("tcpAttemptFails")],
  [
    "tcp_estab_rst",
    "Open connections that ended at once, by a reset or an error.",
    (n) => n.counter("tcpEstablishedResets"),
  ],
  ["tcp_in_seg", "Segments received.", (n) => n.counter("tcpSegmentsIn")],
  ["tcp_in_err", "Segments with a wrong checksum or header.", (n) => n.drop("tcpMalformed")],
  ["tcp_in_empty_acks", "Segments received that only acknowledge.", (n) => n.counter("tcpEmptyAcksIn")],
  ["tcp_in_rst", "Connections reset by the peer.", (n) => n.counter("tcpResetsIn")],
  ["tcp_out_seg", "Segments sent, a super-frame counted once.", (n) => n.counter("tcpSegmentsOut")],
  ["tcp_retran_seg", "Segments retransmitted.", (n) => n.counter("tcpRetransmits")],
  ["tcp_timeouts", "Retransmission time-outs.", (n) => n.counter("tcpTimeouts")],
  ["tcp_fast_retran", "Entries into fast recovery.", (n) => n.counter("tcpFastRetransmits")],
  ["tcp_out_rst", "Resets sent.", (n) => n.counter("tcpResetsOut")],
  ["tcp_delay_ack_cnt", "Acknowledgements sent by the delay's timer.", (n) => n.counter("tcpDelayedAcks")],
  ["tcp_out_of_seq", "Segments received out of order and kept.", (n) => n.counter("tcpOutOfOrder")],
  [
    "tcp_listen_drops",
    "Connection requests that found a full backlog or SYN queue.",
    (n) => n.drop("tcpBacklogFull", "tcpSynQueue"),
  ],
  [
    "tcp_rst_in_keepalive_timeout",
    "Resets of connections whose peer was silent too long.",
    (n) => n.reset("timeout"),
  ],
  ["tcp_alloc_pcb_fails", "Connections for which there was no control block.", (n) => n.drop("noTcb")],
];

const ICMP: readonly (readonly [string, string, Of])[] = [
  ["icmp_in_msgs", "Messages received.", (n) => n.counter("icmpIn")],
  ["icmp_in_errors", "Messages that were malformed.", (n) => n.drop("icmpMalformed")],
  ["icmp_in_dest_unreachs", "Destination unreachable received.", (n) => n.counter("icmpUnreachableIn")],
  ["icmp_in_time_excds", "Time exceeded received.", (n) => n.counter("icmpTimeExceededIn")],
  ["icmp_in_parm_probs", "Parameter problem received.", (n) => n.counter("icmpParameterProblemsIn")],
  ["icmp_in_echos", "Echo requests received.", (n) => n.counter("icmpEchoRequestsIn")],
  ["icmp_out_msgs", "Messages sent.", (n) => n.counter("icmpEchoReplies", "icmpErrorsOut")],
  ["icmp_out_dest_unreachs", "Destination unreachable sent.", (n) => n.counter("icmpUnreachableOut")],
  [
    "icmp_out_time_excds",
    "Time exceeded sent.",
    (n) => n.counter("icmpErrorsOut") - n.counter("icmpUnreachableOut"),
  ],
  ["icmp_out_echo_reps", "Echo replies sent.", (n) => n.counter("icmpEchoReplies")],
];

/** Names that tell of trouble. */
const BAD = /_(err|errors?|fails?)$|discard$|outnort$|retran|timeouts?$|listen_drops|estab_rst/;

const sheet = new Sheet<Numbers>("stacks", "columns", "Counters as SNMP has them, since the start.").column(
  "stack",
  "number",
  "Number of the stack in its process.",
  (n) => n.stack,
);
for (const [name, doc, of] of [...IP, ...UDP, ...TCP, ...ICMP]) {
  if (BAD.test(name)) sheet.bad(name, "packets", doc, of);
  else sheet.column(name, "packets", doc, of);
}

/** `gazellectl lstack show TARGET -s`. */
export const snmp: View<Instance> = {
  words: ["-s", "snmp"],
  about: "counters as SNMP has them: IP, UDP, TCP, ICMP",
  time: "none",
  sheets: [sheet],
  read: async ({ stacks }) => [sheet.section(numbersOf(stacks))],
};

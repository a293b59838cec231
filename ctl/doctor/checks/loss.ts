import type { Sample } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

/** Fewer than these may be anything. */
const LEAST = 10;
/** Of all segments. */
const SHARE = 0.005;
/** One lost segment, or a sender that moves between CPUs, brings many out of order. */
const LEAST_UNORDERED = 100;
const SHARE_UNORDERED = 0.02;

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

function outgoing({ counters }: Sample, who: string): Problem[] {
  const { tcpRetransmits = 0, tcpSegmentsOut = 0, tcpTimeouts = 0 } = counters;
  if (tcpRetransmits < LEAST || tcpRetransmits < tcpSegmentsOut * SHARE) return [];
  return [
    {
      severity: "warning",
      what:
        `${who} had to send ${counted(tcpRetransmits, "segment")} again, ` +
        `${percent(tcpRetransmits, tcpSegmentsOut)} of all, after ${counted(tcpTimeouts, "time-out")}`,
      why:
        "what it sends, or what acknowledges it, is lost on the way: throughput falls and answers " +
        "come late",
      fix:
        "ethtool -S DEVICE at each hop   # cables, a duplex mismatch, an overloaded link, `tc " +
        "qdisc` rules",
    },
  ];
}

function incoming({ counters }: Sample, who: string): Problem[] {
  const { tcpOutOfOrder = 0, tcpSegmentsIn = 0 } = counters;
  if (tcpOutOfOrder < LEAST_UNORDERED || tcpOutOfOrder < tcpSegmentsIn * SHARE_UNORDERED) return [];
  return [
    {
      severity: "warning",
      what:
        `${who} received ${counted(tcpOutOfOrder, "segment")} before an earlier one, ` +
        `${percent(tcpOutOfOrder, tcpSegmentsIn)} of all`,
      why:
        "what was sent before them is lost on the way, or took another one: peers send again and " +
        "slow down",
      fix:
        "ethtool -S DEVICE at each hop   # cables, an overloaded link, `tc qdisc` rules, links " +
        "that reorder",
    },
  ];
}

export const loss: Check = {
  id: "loss",
  about: "segments arrive: few are sent again, few arrive out of order",
  look: (facts) =>
    answering(facts).flatMap(({ program, now }) => [
      ...outgoing(now, called(program)),
      ...incoming(now, called(program)),
    ]),
};

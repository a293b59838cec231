import type { LtranReport } from "../../../ltran/daemon/report.js";
import { type Section, Sheet } from "../sheet.js";
import type { View } from "../view.js";
import type { Ltran } from "./ltran.js";

type Nic = LtranReport["nics"][number];

/** A name with a number. */
interface Counted {
  name: string;
  value: number;
}

const nics = new Sheet<Nic>("nics", "columns", "What each network device received and sent since the start.")
  .column("device", "text", "The device.", (nic) => nic.device)
  .column("link", "text", "Whether its link is up, and whether frames go by it.", (nic) =>
    nic.isUp ? (nic.isActive ? "up, in use" : "up") : "down",
  )
  .column("mtu", "bytes", "Largest IP packet.", (nic) => nic.mtu)
  .column("rx_pkts", "packets", "Frames received.", (nic) => nic.counters.framesIn ?? 0)
  .column("rx_bytes", "bytes", "Bytes of them.", (nic) => nic.counters.bytesIn ?? 0)
  .bad("rx_skipped", "packets", "Frames that the port did not take.", (nic) => nic.skippedFrames)
  .column("tx_pkts", "packets", "Frames handed to it.", (nic) => nic.counters.framesOut ?? 0)
  .column("tx_bytes", "bytes", "Bytes of them.", (nic) => nic.counters.bytesOut ?? 0)
  .bad("tx_drop", "packets", "Frames that it refused.", (nic) => nic.refusedFrames)
  .column("arp_pkts", "packets", "ARP packets received.", (nic) => nic.counters.arpIn ?? 0)
  .column("tcp_pkts", "packets", "TCP segments received.", (nic) => nic.counters.tcpIn ?? 0)
  .column("udp_pkts", "packets", "UDP datagrams received.", (nic) => nic.counters.udpIn ?? 0)
  .column("icmp_pkts", "packets", "ICMP messages received.", (nic) => nic.counters.icmpIn ?? 0);

const totals = new Sheet<Counted>("counters", "lines", "What ltran counted, numbers other than zero.")
  .column("counter", "text", "What is counted (ltran/dispatch/stats/counters.ts).", (row) => row.name)
  .column("value", "number", "How much of it.", (row) => row.value);

const drops = new Sheet<Counted>("drops", "lines", "What ltran discarded, and why; numbers other than zero.")
  .column("reason", "text", "Why (ltran/dispatch/stats/drop.ts).", (row) => row.name)
  .bad("drop", "packets", "Frames.", (row) => row.value);

function list(values: Readonly<Record<string, number>>): Counted[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

async function read(ltran: Ltran): Promise<Section[]> {
  const report = await ltran.report();
  const { kernelFramesOut = 0, kernelFramesIn = 0 } = report.counters;
  const kernel = `frames to the kernel ${kernelFramesOut}, from it ${kernelFramesIn}`;
  const about = `ltran ${report.pid}, log level ${report.logLevel}, ${kernel}`;
  return [
    nics.section(report.nics, about),
    totals.section(list(report.counters)),
    drops.section(list(report.drops)),
  ];
}

/** `gazellectl ltran show`, with nothing behind it. */
export const show: View<Ltran> = {
  words: ["", ""],
  about: "what ltran received, sent and discarded",
  time: "none",
  sheets: [nics, totals, drops],
  read,
};

import type { Instance } from "../instances.js";
import { levelName } from "../settings.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import { type Numbers, numbersOf } from "./numbers.js";

const sheet = new Sheet<Numbers>("stacks", "columns", "What each stack counted since its start.")
  .column("stack", "number", "Number of the stack in its process.", (n) => n.stack)
  .column(
    "low_power_mode",
    "boolean",
    "A thread that waits sleeps at once.",
    (n) => n.statistics.facts.lowPower,
  )
  .column("loglevel", "text", "How much it says while it runs.", (n) =>
    levelName(n.statistics.facts.logLevel),
  )
  .column("rx_pkts", "packets", "Frames taken from ports.", (n) => n.counter("rxFrames"))
  .column("rx_bytes", "bytes", "Bytes of them.", (n) => n.counter("rxBytes"))
  .bad("rx_drop", "packets", "Received frames, packets and segments discarded, for whatever reason.", (n) =>
    n.received(),
  )
  .bad("rx_err", "packets", "Received frames and packets that were malformed or had a wrong checksum.", (n) =>
    n.drop(
      "truncated",
      "ipHeader",
      "ipChecksum",
      "tcpMalformed",
      "udpMalformed",
      "icmpMalformed",
      "arpMalformed",
    ),
  )
  .bad("rx_allocmbuf_fail", "packets", "Received data discarded because there was no packet buffer.", (n) =>
    n.drop("noBuffer", "fragmentNoRoom"),
  )
  .column("tx_pkts", "packets", "Frames handed to ports.", (n) => n.counter("txFrames"))
  .column("tx_bytes", "bytes", "Bytes of them.", (n) => n.counter("txBytes"))
  .bad("tx_drop", "packets", "Packets to be sent that were discarded, for whatever reason.", (n) => n.sent())
  .bad("tx_err", "packets", "Frames that the device refused.", (n) => n.statistics.facts.refusedFrames)
  .bad(
    "tx_allocmbuf_fail",
    "calls",
    "Writes refused or cut short because there were no packet buffers.",
    (n) => n.counter("socketWritesNoBuffer"),
  )
  .column("mbuf_pool_freecnt", "buffers", "Packet buffers that are free.", (n) => {
    const { capacity, used } = n.pool("buffer");
    return capacity - used;
  })
  .column("conn_num", "sockets", "Sockets on the stack.", (n) => n.pool("socket").used)
  .column("wakeup_events", "events", "Times that somebody waiting was woken.", (n) =>
    n.counter("waitSetWakes"),
  )
  .column(
    "app_events",
    "events",
    "Events that epoll, poll and select returned for sockets of the stack.",
    (n) => n.counter("waitSetEvents"),
  )
  .column("app_read", "calls", "Reads by the application that returned data.", (n) =>
    n.counter("socketReads64", "socketReads512", "socketReads1460", "socketReads8192", "socketReadsLonger"),
  )
  .column("app_write", "calls", "Writes by the application that were taken.", (n) =>
    n.counter(
      "socketWrites64",
      "socketWrites512",
      "socketWrites1460",
      "socketWrites8192",
      "socketWritesLonger",
    ),
  )
  .column("read_null", "calls", "Times that a call found nothing to read.", (n) =>
    n.counter("socketReadsEmpty"),
  )
  .bad("sock_rx_drop", "packets", "Datagrams of which the application read only a part.", (n) =>
    n.counter("udpTruncated"),
  )
  .column(
    "sock_tx_merge",
    "calls",
    "Writes of which something went into a buffer that was partly filled.",
    (n) => n.counter("socketWritesMerged"),
  )
  .bad("accept_fail", "calls", "Calls of accept that failed.", (n) => n.counter("socketAcceptFails"))
  .bad("fallbacks", "sockets", "Sockets that were left to the kernel.", (n) => n.fallbacks());

/** `gazellectl lstack show TARGET`, with nothing behind it. */
export const show: View<Instance> = {
  words: ["", ""],
  about: "what each stack counted",
  time: "none",
  sheets: [sheet],
  read: async ({ stacks }) => [sheet.section(numbersOf(stacks))],
};

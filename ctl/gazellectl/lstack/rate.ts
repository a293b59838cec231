import type { Statistics } from "../../statistics.js";
import { askAgain, type Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import { type Asked, pause, type View } from "../view.js";
import { Numbers } from "./numbers.js";

/** Two samples of one stack. */
interface Row {
  before: Numbers;
  after: Numbers;
  seconds: number;
}

const SAMPLE_MS = 1_000;

function perSecond({ before, after, seconds }: Row, of: (numbers: Numbers) => bigint): number {
  return Number(of(after) - of(before)) / seconds;
}

function packets(row: Row, of: (numbers: Numbers) => bigint): number {
  return Math.round(perSecond(row, of));
}

const sheet = new Sheet<Row>("rates", "lines", "What each stack receives and sends in a second.")
  .column("stack", "number", "Number of the stack in its process.", (row) => row.after.stack)
  .column("rx_pkts", "packets/s", "Frames taken from ports.", (row) =>
    packets(row, (n) => n.counter("rxFrames")),
  )
  .column(
    "rx_bits",
    "bits/s",
    "Bits of them, from the Ethernet header on.",
    (row) => 8 * packets(row, (n) => n.counter("rxBytes")),
  )
  .bad("rx_drop", "packets/s", "Received ones discarded.", (row) => packets(row, (n) => n.received()))
  .column("tx_pkts", "packets/s", "Frames handed to ports.", (row) =>
    packets(row, (n) => n.counter("txFrames")),
  )
  .column(
    "tx_bits",
    "bits/s",
    "Bits of them, from the Ethernet header on.",
    (row) => 8 * packets(row, (n) => n.counter("txBytes")),
  )
  .bad("tx_drop", "packets/s", "Packets to be sent that were discarded.", (row) =>
    packets(row, (n) => n.drop("txRingFull", "neighbourQueue", "noNeighbour", "ipNoRoute", "rateLimited")),
  )
  .column(
    "app_rx_bits",
    "bits/s",
    "Bits that the application read.",
    (row) => 8 * packets(row, (n) => n.counter("socketBytesIn")),
  )
  .column(
    "app_tx_bits",
    "bits/s",
    "Bits that the application wrote.",
    (row) => 8 * packets(row, (n) => n.counter("socketBytesOut")),
  )
  .column("conns", "connections", "Connections opened in a second, either way.", (row) =>
    packets(row, (n) => n.counter("tcpActiveOpens", "tcpPassiveOpens")),
  );

/** Pairs the stacks of two samples of a process; the process' own clock says how far apart they are. */
export function pairStacks(before: readonly Statistics[], after: readonly Statistics[]): Row[] {
  return after.flatMap((late, i) => {
    const early = before[i];
    if (early === undefined) return [];
    const seconds = (late.facts.uptimeMicroseconds - early.facts.uptimeMicroseconds) / 1e6;
    const { stack } = late.facts;
    return seconds > 0
      ? [{ before: new Numbers(stack, early), after: new Numbers(stack, late), seconds }]
      : [];
  });
}

/** The sample before the next one, which may be that of the last call. */
function earlier(instance: Instance, { memory }: Asked): Instance {
  return (memory.get(instance.path) as Instance | undefined) ?? instance;
}

/** `gazellectl lstack show TARGET -r [TIMES]`. */
export const rate: View<Instance> = {
  words: ["-r", "rate"],
  about: "packets and bits in a second, every second",
  time: "samples",
  sheets: [sheet],
  async read(instance, asked) {
    const before = earlier(instance, asked);
    await pause(SAMPLE_MS);
    const after = await askAgain(instance);
    asked.memory.set(instance.path, after);
    return [sheet.section(pairStacks(before.stacks, after.stacks))];
  },
};

import type { LtranReport } from "../../../ltran/daemon/report.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import type { Ltran } from "./ltran.js";

type Nic = LtranReport["nics"][number];

/** Two samples of a device. */
interface Row {
  before: Nic;
  after: Nic;
  seconds: number;
}

function rateOf({ before, after, seconds }: Row, of: (nic: Nic) => number): number {
  return Math.round((of(after) - of(before)) / seconds);
}

const sheet = new Sheet<Row>("rates", "lines", "What each network device receives and sends in a second.")
  .column("device", "text", "The device.", (row) => row.after.device)
  .column("rx_pkts", "packets/s", "Frames received.", (row) =>
    rateOf(row, (nic) => nic.counters.framesIn ?? 0),
  )
  .column("rx_bits", "bits/s", "Bits of them.", (row) => 8 * rateOf(row, (nic) => nic.counters.bytesIn ?? 0))
  .bad("rx_skipped", "packets/s", "Frames that the port did not take.", (row) =>
    rateOf(row, (nic) => nic.skippedFrames),
  )
  .column("tx_pkts", "packets/s", "Frames handed to it.", (row) =>
    rateOf(row, (nic) => nic.counters.framesOut ?? 0),
  )
  .column("tx_bits", "bits/s", "Bits of them.", (row) => 8 * rateOf(row, (nic) => nic.counters.bytesOut ?? 0))
  .bad("tx_drop", "packets/s", "Frames that it refused.", (row) => rateOf(row, (nic) => nic.refusedFrames));

/** `gazellectl ltran show -r [TIMES]`. */
export const rate: View<Ltran> = {
  words: ["-r", "rate"],
  about: "packets and bits in a second, every second",
  time: "samples",
  sheets: [sheet],
  async read(ltran, { memory }) {
    const [before, after] = await ltran.samples(memory);
    const seconds = (after.uptimeMicroseconds - before.uptimeMicroseconds) / 1e6;
    const rows = after.nics.flatMap((nic, i) => {
      const early = before.nics[i];
      return early === undefined || seconds <= 0 ? [] : [{ before: early, after: nic, seconds }];
    });
    return [sheet.section(rows)];
  },
};

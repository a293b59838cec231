import type { LtranReport } from "../../../ltran/daemon/report.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import type { Ltran } from "./ltran.js";

/** How often so many frames came at once. */
interface Row {
  device: string;
  frames: number;
  count: number;
  percent: number;
}

const sheet = new Sheet<Row>(
  "bursts",
  "lines",
  "How many frames a device hands over at once, in the last second.",
)
  .column("device", "text", "The device.", (row) => row.device)
  .column("burst_packets", "packets", "Frames at once.", (row) => row.frames)
  .column("count", "number", "How often.", (row) => row.count)
  .column("percent", "percent", "Of all bursts of the device.", (row) => row.percent);

function rowsOf(before: LtranReport, after: LtranReport): Row[] {
  return after.nics.flatMap(({ device, bursts }, nic) => {
    const grown = bursts.map((count, i) => count - (before.nics[nic]?.bursts[i] ?? 0));
    const total = grown.reduce((sum, count) => sum + count, 0);
    return grown.map((count, i) => {
      return { device, frames: i + 1, count, percent: total === 0 ? 0 : (100 * count) / total };
    });
  });
}

/** `gazellectl ltran show -b [TIMES]`. */
export const burst: View<Ltran> = {
  words: ["-b", "burst"],
  about: "how many frames a device hands over at once, every second",
  time: "samples",
  sheets: [sheet],
  async read(ltran, { memory }) {
    const [before, after] = await ltran.samples(memory);
    return [sheet.section(rowsOf(before, after))];
  },
};

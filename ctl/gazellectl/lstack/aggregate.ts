import { askAgain, type Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import { pause, type View } from "../view.js";
import type { CounterName as Name } from "./numbers.js";
import { pairStacks } from "./rate.js";

type Row = ReturnType<typeof pairStacks>[number];

const SIZES = ["1_64", "65_512", "513_1460", "1461_8192", "8193_up"] as const;
const READS: readonly Name[] = [
  "socketReads64",
  "socketReads512",
  "socketReads1460",
  "socketReads8192",
  "socketReadsLonger",
];
const WRITES: readonly Name[] = [
  "socketWrites64",
  "socketWrites512",
  "socketWrites1460",
  "socketWrites8192",
  "socketWritesLonger",
];

function grown({ before, after }: Row, name: Name): bigint {
  return after.counter(name) - before.counter(name);
}

const sheet = new Sheet<Row>("aggregates", "columns", "What the application read and wrote, by size.")
  .column("stack", "number", "Number of the stack in its process.", (row) => row.after.stack)
  .column("rx_throughput", "bits/s", "Bits that the application read in a second.", (row) =>
    Math.round((8 * Number(grown(row, "socketBytesIn"))) / row.seconds),
  )
  .column("tx_throughput", "bits/s", "Bits that the application wrote in a second.", (row) =>
    Math.round((8 * Number(grown(row, "socketBytesOut"))) / row.seconds),
  );
READS.forEach((name, i) => {
  const size = SIZES[i] ?? "";
  sheet.column(`rx_${size}`, "calls", `Reads of ${size.replace("_", " to ")} bytes.`, (row) =>
    grown(row, name),
  );
});
WRITES.forEach((name, i) => {
  const size = SIZES[i] ?? "";
  sheet.column(`tx_${size}`, "calls", `Writes of ${size.replace("_", " to ")} bytes.`, (row) =>
    grown(row, name),
  );
});

/** `gazellectl lstack show TARGET -a [SECONDS]`. */
export const aggregate: View<Instance> = {
  words: ["-a", "aggregate", "aggragate", "aggregatin"],
  about: "what the application reads and writes, by size, over some time",
  time: "seconds",
  sheets: [sheet],
  async read(instance, { time }) {
    await pause((time ?? 1) * 1_000);
    const after = await askAgain(instance);
    return [sheet.section(pairStacks(instance.stacks, after.stacks))];
  },
};

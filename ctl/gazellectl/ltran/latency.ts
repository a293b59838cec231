import { UsageError } from "../../command.js";
import type { View } from "../view.js";
import type { Ltran } from "./ltran.js";

/** `gazellectl ltran show -l`: a frame is in its ring before the clock is read again. */
export const latency: View<Ltran> = {
  words: ["-l", "latency"],
  about: "not built yet; `lstack show TARGET -l` has the latencies of a program",
  time: "seconds",
  sheets: [],
  read: () => Promise.reject(new UsageError("ltran measures no latencies yet")),
};

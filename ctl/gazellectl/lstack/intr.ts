import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import { type Numbers, numbersOf } from "./numbers.js";

const sheet = new Sheet<Numbers>("wakes", "columns", "What woke threads that slept in the kernel.")
  .column("stack", "number", "Number of the stack in its process.", (n) => n.stack)
  .column("nic_event_cnt", "events", "Frames came.", (n) => n.counter("wakesByFrame"))
  .column("remote_event_cnt", "events", "Another thread had something for it.", (n) =>
    n.counter("wakesByThread"),
  )
  .column("local_event_cnt", "events", "A descriptor of the kernel's that the application waits for.", (n) =>
    n.counter("wakesByDescriptor"),
  )
  .column("timeout_event_cnt", "events", "A timer of the stack, or the call's time-out.", (n) =>
    n.counter("wakesByTime"),
  );

/** `gazellectl lstack show TARGET -I`. */
export const intr: View<Instance> = {
  words: ["-I", "intr"],
  about: "what woke threads that slept",
  time: "none",
  sheets: [sheet],
  read: async ({ stacks }) => [sheet.section(numbersOf(stacks))],
};

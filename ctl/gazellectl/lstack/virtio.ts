import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";
import { type Numbers, numbersOf } from "./numbers.js";

const sheet = new Sheet<Numbers>("virtio", "columns", "Frames of the kernel's device (kni_switch).")
  .column("stack", "number", "Number of the stack in its process.", (n) => n.stack)
  .column("tx_pkg", "packets", "Frames handed to the kernel.", (n) => n.counter("kernelFramesOut"))
  .column("rx_pkg", "packets", "Frames of the kernel that were sent.", (n) => n.counter("kernelFramesIn"))
  .bad(
    "rx_drop",
    "packets",
    "Frames of the kernel that spoke for a socket, or from an address not ours.",
    (n) => n.drop("kernelForeign"),
  );

/** `gazellectl lstack show TARGET -v`. */
export const virtio: View<Instance> = {
  words: ["-v", "virtio"],
  about: "frames of the kernel's device (kni_switch)",
  time: "none",
  sheets: [sheet],
  read: async ({ stacks }) => [sheet.section(numbersOf(stacks))],
};

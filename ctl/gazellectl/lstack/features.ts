import { ENUMS } from "../../../build/generated/node/structs.js";
import type { Statistics } from "../../statistics.js";
import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";
import type { View } from "../view.js";

const { vnetHeader, txChecksum, segmentation, rxChecksum } = ENUMS.PortFlag;

function has({ facts }: Statistics, ...flags: readonly number[]): boolean {
  return flags.some((flag) => (facts.portFlags & flag) !== 0);
}

const sheet = new Sheet<Statistics>("features", "columns", "What the port does for the stack.")
  .column("stack", "number", "Number of the stack in its process.", ({ facts }) => facts.stack)
  .column("port", "text", "How the stack reaches the wire.", ({ facts }) => facts.port)
  .column("device", "text", "The device.", ({ facts }) => facts.device)
  .column("mtu", "bytes", "Largest IP packet.", ({ facts }) => facts.mtu)
  .column("tx-tcp-checksum", "boolean", "It fills in TCP checksums.", (s) => has(s, txChecksum))
  .column("tx-udp-checksum", "boolean", "It fills in UDP checksums.", (s) => has(s, txChecksum))
  .column("tx-tcp-tso", "boolean", "It cuts super-frames into segments.", (s) => has(s, segmentation))
  .column(
    "tso-max-bytes",
    "bytes",
    "Most payload of a super-frame; 0 without.",
    ({ facts }) => facts.segmentationMax,
  )
  .column("rx-tcp-checksum", "boolean", "It says which TCP checksums are right.", (s) =>
    has(s, rxChecksum, vnetHeader),
  )
  .column("rx-udp-checksum", "boolean", "It says which UDP checksums are right.", (s) =>
    has(s, rxChecksum, vnetHeader),
  );

/** `gazellectl lstack show TARGET -k`. */
export const features: View<Instance> = {
  words: ["-k", "nic-features"],
  about: "what the port does for the stack",
  time: "none",
  sheets: [sheet],
  read: async ({ stacks }) => [sheet.section(stacks)],
};

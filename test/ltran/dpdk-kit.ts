/** An ltran on devices of DPDK. */
import { removeDpdkFolderAtEnd } from "../../scripts/lab/dpdk-folder.js";
import { memoryArguments } from "../../scripts/lab/lstack-conf.js";

/** The lines of ltran.conf for devices as `--vdev` takes them; the first one is port 0. */
export function dpdkKit(...vdevs: readonly string[]): Record<string, string> {
  removeDpdkFolderAtEnd();
  const words = [...memoryArguments(), "--no-pci", ...vdevs.flatMap((vdev) => ["--vdev", vdev])];
  return {
    devices: "",
    forward_kit: '"dpdk"',
    forward_kit_args: `"${words.join(" ")}"`,
  };
}

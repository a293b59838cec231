/** DPDK as the application's engine has it: one shared object, with the drivers that are of use. */
import { findInstalled } from "../../ctl/installation.js";
import type { Native } from "./native.js";

const OBJECT = "liblstack-dpdk.so";

/** Loads DPDK for an environment with these arguments. @throws Error when it is not there or cannot be. */
export function loadDpdk(native: Native, argumentList: readonly string[]): void {
  const path = findInstalled(OBJECT);
  if (path === null) throw new Error(`${OBJECT} is missing; run \`npm run build\`, or install Gazelle again`);
  const message = native.dpdkLoad(path, Buffer.from(argumentList.map((word) => `${word}\0`).join("")));
  if (message !== "") throw new Error(`cannot load DPDK: ${message}`);
}

/** A port's message speaks of the file and the option of applications; this is what they are called here. */
export function inOwnWords(message: string): string {
  return message.replaceAll("dpdk_args", "forward_kit_args").replaceAll("lstack.conf", "ltran.conf");
}

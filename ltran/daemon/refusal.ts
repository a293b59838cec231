/** Why a client is refused: the code of the protocol, what is wrong, and what mends it. */
import * as layout from "../../build/generated/node/registration-layout.js";
import { REMEDY } from "./entrance.js";

/** A refusal as a client gets it and as ltran logs it. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, problem: string, remedy: string) {
    super(`${problem}; ${remedy}`);
    this.code = code;
  }
}

/** What a client is told whatever went wrong: an error that nobody meant for it is ltran's own. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return refusals.unable(reason, /EMFILE|ENFILE/.test(reason) ? REMEDY : "try again");
}

/** The refusals that there are; each is made with what the client gave. */
export const refusals = {
  message: () =>
    new Refusal(
      layout.REFUSAL_MESSAGE,
      "this is no registration",
      "only Gazelle's programs may connect here",
    ),
  version: (version: number) =>
    new Refusal(
      layout.REFUSAL_VERSION,
      `the program speaks version ${version} of the protocol, ltran ${layout.REGISTRATION_VERSION}`,
      "install the same version of Gazelle for both",
    ),
  descriptors: (reason: string) =>
    new Refusal(
      layout.REFUSAL_DESCRIPTORS,
      `a memory file, a unix stream socket and an eventfd must come with the message (${reason})`,
      "install the same version of Gazelle for both",
    ),
  region: (reason: string) =>
    new Refusal(
      layout.REFUSAL_REGION,
      `the memory file cannot be used (${reason})`,
      "it must have the size it claims, be allocated, and be sealed against shrinking and growing",
    ),
  geometry: () =>
    new Refusal(
      layout.REFUSAL_GEOMETRY,
      "slots, buffer size and region size do not fit together",
      "install the same version of Gazelle for both",
    ),
  credentials: (uid: number, gid: number) =>
    new Refusal(
      layout.REFUSAL_CREDENTIALS,
      `user ${uid} of group ${gid} may not register`,
      "add it to allow_uids or allow_gids in ltran.conf",
    ),
  mac: (given: string, known: string) =>
    new Refusal(
      layout.REFUSAL_MAC,
      `ltran has no bond with the address ${given}`,
      `set devices in lstack.conf to that of bond_macs: ${known}`,
    ),
  subnet: (given: string, network: string) =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      `${given} is no host of ${network}`,
      "choose another host_addr in lstack.conf, or dispatch_subnet in ltran.conf",
    ),
  family: () =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      "this is no address of a host",
      "set host_addr in lstack.conf to one",
    ),
  noIpv6: (given: string) =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      `${given} is an IPv6 address, and ltran serves no IPv6 network`,
      "add dispatch_subnet6 to ltran.conf",
    ),
  kernelAddress: (given: string, device: string) =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      `the kernel owns ${given} on ${device}, both would answer`,
      `\`ip addr del ${given} dev ${device}\`, or choose another host_addr`,
    ),
  foreignAddress: (given: string) =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      `a program of another user has ${given}`,
      "choose another host_addr in lstack.conf",
    ),
  vlan: (given: number) =>
    new Refusal(
      layout.REFUSAL_VLAN,
      `programs may not be in VLAN ${given}`,
      "choose another nic_vlan_mode in lstack.conf, or add it to allow_vlans in ltran.conf",
    ),
  userAddress: (given: string, uid: number) =>
    new Refusal(
      layout.REFUSAL_ADDRESS,
      `user ${uid} may not have ${given}`,
      `add "${given}=${uid}" to address_uids in ltran.conf, or choose another host_addr`,
    ),
  stack: (index: number, count: number) =>
    new Refusal(
      layout.REFUSAL_STACK,
      `stack ${index} of ${count} does not fit, or is registered already`,
      "set num_cpus to at most 32 CPUs; one process registers each of its stacks once",
    ),
  clients: (most: number) =>
    new Refusal(
      layout.REFUSAL_CLIENTS,
      `${most} processes are registered, which are all that dispatch_max_clients allows`,
      "set it higher in ltran.conf",
    ),
  memory: () =>
    new Refusal(
      layout.REFUSAL_MEMORY,
      "there is no room for another stack",
      "set memory or nic_rxqueue_size in ltran.conf lower, or end another program",
    ),
  unable: (reason: string, remedy: string) =>
    new Refusal(layout.REFUSAL_UNABLE, `ltran can register nobody now (${reason})`, remedy),
  ending: () => new Refusal(layout.REFUSAL_ENDING, "ltran is ending", "the program tries again by itself"),
};

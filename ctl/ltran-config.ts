/** The configuration of ltran, checked by the code that checks every configuration. */
import { spawnSync } from "node:child_process";
import { findChecker } from "./checker.js";

/** Read when no file is named. */
export const DEFAULT_LTRAN_CONFIG = "/etc/gazelle/ltran.conf";

/** Numbers of users, groups or VLANs, both ends included. */
export interface IdRange {
  first: number;
  last: number;
}

/** Users who may take an address. */
export interface AddressOwners {
  address: string;
  uids: IdRange;
}

/** Every option of ltran.conf that has an effect; docs/configuration.md explains them. */
export interface LtranConfig {
  /** What forward_kit led to. */
  portKind: "packet" | "dpdk";
  /** Interfaces of port packet, in the order of their port numbers. */
  devices: readonly string[];
  /** argv for the EAL; empty with port packet. */
  ealArgs: readonly string[];
  hugePages: boolean;
  /** CPU of the forwarding thread; -1: any. */
  forwardCpu: number;
  /** For each bond, bit n says whether port n is a member. */
  bondPorts: readonly number[];
  /** For each bond, its MAC address in lower case. */
  bondMacs: readonly string[];
  /** Milliseconds. */
  /** 1 active-backup, 4 802.3ad, 6 ALB. */
  bondMode: number;
  bondMiimon: number;
  bondMtu: number;
  nicRxqueueSize: number;
  /** Packet buffers of a port of DPDK; 0: as many as nicRxqueueSize needs. */
  rxMbufPoolSize: number;
  txMbufPoolSize: number;
  dispatchMaxClients: number;
  /** Dotted quad of the network of all clients. */
  dispatchSubnet: string;
  /** Its host bits. */
  dispatchSubnetLength: number;
  /** The network of all clients with IPv6, "2001:db8::/64"; empty: there is none. */
  dispatchSubnet6: string;
  allowUids: readonly IdRange[];
  allowGids: readonly IdRange[];
  allowVlans: readonly IdRange[];
  /** Empty: an address is whoever's takes it first. */
  addressUids: readonly AddressOwners[];
  /** Interface number and address of every memif client. */
  memifClients: readonly (readonly [number, string])[];
  /** Of each client; 0: no limit. */
  rateLimitPps: number;
  rateLimitMbps: number;
  /** MiB for tables. */
  memory: number;
  /** Seconds. */
  tcpConnScanInterval: number;
  directRings: boolean;
  lowPowerMode: boolean;
  unixPrefix: string;
  kniSwitch: boolean;
  /** Empty: "kni". */
  kniDevice: string;
}

/** The checker's answer: the table's keys, with lists as texts. */
type Values = Record<string, unknown>;

/** Options whose list is not one of texts. */
const ELEMENTS: Readonly<Record<string, (text: string) => unknown>> = {
  bond_ports: Number,
  allow_uids: parseRange,
  allow_gids: parseRange,
  allow_vlans: parseRange,
  address_uids: parseOwners,
  memif_clients: parseMemifClient,
};

function parseMemifClient(text: string): [number, string] {
  const [id, address] = text.split("=");
  return [Number(id), address ?? ""];
}

function parseRange(text: string): IdRange {
  const [first, last] = text.split("-").map(Number);
  return { first: first ?? 0, last: last ?? 0 };
}

function parseOwners(text: string): AddressOwners {
  const [address = "", uids = ""] = text.split("=");
  return { address, uids: parseRange(uids) };
}

/** `bond_mtu` is called bondMtu. */
function memberName(key: string): string {
  return key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function typed(values: Values): LtranConfig {
  const members = Object.entries(values).map(([key, value]) => {
    const convert = ELEMENTS[key];
    return [memberName(key), convert && Array.isArray(value) ? value.map(convert) : value];
  });
  return Object.fromEntries(members) as LtranConfig;
}

/** Checks a file and prints what there is to say. Returns whether it is right, perhaps with warnings. */
export function checkLtranConfig(path: string): boolean {
  return spawnSync(findChecker(), ["--kind=ltran", path], { stdio: "inherit" }).status === 0;
}

/**
 * The configuration for a start: what this machine or this version lacks is an error. Messages go to stderr.
 * Returns null when there are errors.
 */
export function loadLtranConfig(path: string): LtranConfig | null {
  const { status, stdout, error } = spawnSync(findChecker(), ["--kind=ltran", "--start", "--json", path], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return status === 0 ? typed(JSON.parse(stdout) as Values) : null;
}

/** What `gazellectl ltran show -i` shows. */
import { COUNTERS, type CounterEntry } from "../../build/generated/node/dispatch-counters.js";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { ipv4Text, macText } from "./addresses.js";
import type { DaemonConfig } from "./config.js";
import type { Forwarder, LacpLink } from "./forwarder.js";
import type { Level } from "./log.js";
import type { Registered } from "./registrar.js";

const WORD = 8;
/** bond_mode of 802.3ad. */
const LACP = 4;

/** Counters by name; those at zero are left out. */
type Counted = Readonly<Record<string, number>>;

/** One stack of a process. */
interface StackReport {
  index: number;
  vport: number;
  memoryBytes: number;
  flows: number;
  listeners: number;
  /** Addresses of programs to which it has a ring of its own. */
  directRings: string[];
  counters: Counted;
  drops: Counted;
}

/** A device of a bond. */
interface NicReport {
  device: string;
  /** Of the bond. */
  mac: string;
  isUp: boolean;
  isActive: boolean;
  mtu: number;
  skippedFrames: number;
  refusedFrames: number;
  counters: Counted;
  /** How often so many frames, from one on, were received at once. */
  bursts: number[];
  /** With bond_mode 4 only. */
  lacp?: LacpLink;
}

/** Those who are registered, as those who serve them know them. */
export interface Clients {
  registered: () => Registered[];
  /** The addresses to which a stack has rings of its own. */
  ringsOf: (stack: Registered) => number[];
  /** Those who were not let in, as descriptors were short. */
  turnedAway: () => number;
}

/** What an ltran says of itself and its clients. */
export interface LtranReport {
  pid: number;
  program: string;
  uptimeMicroseconds: number;
  /** How long the forwarding thread has moved frames; the rest of the time it looked for some, or slept. */
  busyMicroseconds: number;
  /** error, info or debug. */
  logLevel?: Level;
  /** That of the first bond. */
  mac: string;
  subnet: string;
  /** The network of clients with IPv6; null: there is none. */
  subnet6: string | null;
  maxClients: number;
  /** Clients that were turned away as descriptors were short. */
  turnedAway: number;
  nics: NicReport[];
  counters: Counted;
  drops: Counted;
  instances: {
    pid: number;
    uid: number;
    program: string;
    address: string;
    mac: string;
    stackCount: number;
    stacks: StackReport[];
  }[];
}

/** The counters of one enum from a block of words, by name; those at zero are left out. */
function named(block: Buffer, entries: readonly CounterEntry[], of: string): Counted {
  const values = entries
    .filter((entry) => entry.enum === of && (entry.index + 1) * WORD <= block.length)
    .map(({ name, index }) => [name, Number(block.readBigUInt64LE(index * WORD))] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== 0));
}

function showStack(forwarder: Forwarder, stack: Registered, rings: readonly number[]): StackReport {
  const { wanted, vport } = stack;
  const state = forwarder.read(dispatch.VPORTS + vport.id * dispatch.VPORT_STRIDE, dispatch.VPORT_STRIDE);
  const counters = forwarder.read(
    dispatch.VPORT_COUNTERS + vport.id * dispatch.VPORT_COUNTERS_STRIDE,
    dispatch.VPORT_COUNTERS_STRIDE,
  );
  return {
    index: wanted.stackIndex,
    vport: vport.id,
    memoryBytes: vport.size,
    flows: state.readUInt32LE(dispatch.VPORT_FLOWS),
    listeners: state.readUInt32LE(dispatch.VPORT_LISTENERS),
    directRings: rings.map(ipv4Text).sort(),
    counters: named(counters.subarray(0, dispatch.VPORT_DROPS), COUNTERS, "VportCounter"),
    drops: named(counters.subarray(dispatch.VPORT_DROPS), COUNTERS, "DropReason"),
  };
}

function showNumbers(forwarder: Forwarder, nic: number): Pick<NicReport, "counters" | "bursts"> {
  const block = forwarder.read(dispatch.NICS + nic * dispatch.NIC_STRIDE, dispatch.NIC_STRIDE);
  const bursts = Array.from({ length: dispatch.NIC_COUNTERS / WORD }, (_, i) => {
    return Number(block.readBigUInt64LE(i * WORD));
  });
  return { counters: named(block.subarray(dispatch.NIC_COUNTERS), COUNTERS, "NicCounter"), bursts };
}

function showNics(config: DaemonConfig, forwarder: Forwarder): NicReport[] {
  return Array.from({ length: forwarder.nicCount }, (_, nic) => {
    const { device, isUp, mtu, skipped, refused } = forwarder.nicFacts(nic);
    return {
      device,
      isUp: isUp !== 0,
      isActive: forwarder.isActive(nic),
      mtu,
      skippedFrames: skipped,
      refusedFrames: refused,
      mac: config.bonds[forwarder.bondOf(nic)]?.mac ?? "",
      ...showNumbers(forwarder, nic),
      ...(config.bondMode === LACP ? { lacp: forwarder.lacpLink(nic) } : {}),
    };
  });
}

/** Processes, their stacks, NICs and counters, as members of the control socket's answer. */
export function showInstances(
  config: DaemonConfig,
  forwarder: Forwarder,
  clients: Clients,
  began: bigint,
): LtranReport {
  const registered = clients.registered();
  const instances = [...new Set(registered.map(({ instance }) => instance))].map((instance) => ({
    pid: instance.peer.pid,
    uid: instance.peer.uid,
    program: instance.name,
    address: instance.address,
    mac: macText(instance.mac),
    stackCount: instance.stackCount,
    stacks: registered
      .filter((stack) => stack.instance === instance)
      .map((stack) => showStack(forwarder, stack, clients.ringsOf(stack)))
      .sort((first, second) => first.index - second.index),
  }));
  return {
    pid: process.pid,
    program: "ltran",
    uptimeMicroseconds: Number((process.hrtime.bigint() - began) / 1000n),
    busyMicroseconds: forwarder.busyMicroseconds(),
    mac: config.bonds[0]?.mac ?? "",
    subnet: `${config.subnet}/${32 - config.subnetHostBits}`,
    subnet6: config.subnet6,
    maxClients: config.maxClients,
    turnedAway: clients.turnedAway(),
    nics: showNics(config, forwarder),
    counters: named(forwarder.read(dispatch.COUNTERS, dispatch.COUNTERS_COUNT * WORD), COUNTERS, "Counter"),
    drops: named(forwarder.read(dispatch.DROPS, dispatch.DROPS_COUNT * WORD), COUNTERS, "DropReason"),
    instances,
  };
}

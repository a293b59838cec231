import * as layout from "../build/generated/node/layout.js";
import type { CorruptionKind } from "./corruption.js";
import type { LinkSettings } from "./link.js";
import type { MachineSettings } from "./machine.js";
import { type NicSettings, PLAIN_NIC } from "./nic.js";
import type { Random } from "./random.js";

/** A machine and the two directions of its wire. */
export interface Place {
  machine: MachineSettings;
  up: LinkSettings;
  down: LinkSettings;
}

/** The network of a run. */
export interface NetworkPlan {
  places: Place[];
  lossy: boolean;
  smallRegions: boolean;
  /** Frames are damaged in ways that no checksum can catch. */
  tolerant: boolean;
}

const MEBIBYTE = 1 << 20;

/** What goes wrong in a run, everywhere in it. */
interface Faults {
  loss: number;
  burstLoss: number;
  burstDuration: number;
  reorder: number;
  duplicate: number;
  corruption: CorruptionKind;
  corrupt: number;
  outagePeriod: number;
  outageLength: number;
}

function drawFaults(random: Random): Faults {
  const shape = random.unit();
  const corruption = random.unit();
  const arbitrary = corruption < 0.06;
  const detectable = !arbitrary && corruption < 0.35;
  const outage = random.chance(0.06);
  return {
    loss: shape < 0.45 ? random.spread(1, 50) / 1000 : 0,
    burstLoss: shape >= 0.45 && shape < 0.68 ? random.spread(3, 60) / 10000 : 0,
    burstDuration: random.spread(50, 50_000),
    reorder: random.chance(0.4) ? random.spread(1, 50) / 1000 : 0,
    duplicate: random.chance(0.3) ? random.spread(1, 50) / 1000 : 0,
    corruption: arbitrary ? "arbitrary" : detectable ? "detectable" : "none",
    corrupt: arbitrary ? random.spread(1, 10) / 1000 : detectable ? random.spread(1, 20) / 1000 : 0,
    outagePeriod: outage ? random.between(10_000_000, 40_000_000) : 0,
    outageLength: outage ? random.spread(10_000, 4_000_000) : 0,
  };
}

function drawLink(random: Random, faults: Faults, unlimited: boolean): LinkSettings {
  const delay = random.spread(5, 30_000);
  const spared = random.chance(0.2);
  return {
    delay,
    jitter: random.chance(0.4) ? random.below(delay) : 0,
    rate: random.spread(2, 1250),
    queueLimit: unlimited ? Number.POSITIVE_INFINITY : random.spread(40_000, MEBIBYTE),
    ...faults,
    loss: spared ? 0 : faults.loss,
    reorderDelay: 3 * delay,
  };
}

function drawNic(random: Random): NicSettings {
  const kind = random.unit();
  let flags = 0;
  if (kind > 0.45) flags |= layout.PORT_FLAG_TX_CHECKSUM;
  if (kind > 0.55) flags |= layout.PORT_FLAG_SEGMENTATION;
  if (kind > 0.75) flags |= layout.PORT_FLAG_VNET_HEADER;
  if (random.chance(0.3)) flags |= layout.PORT_FLAG_RX_CHECKSUM;
  const cuts = (flags & layout.PORT_FLAG_SEGMENTATION) !== 0;
  return {
    flags,
    segmentationMax: cuts ? random.pick([16384, 32768, 60000]) : 0,
    coalesce: random.chance(0.5) ? random.spread(1, 200) : 0,
    txBusyMax: random.chance(0.3) ? random.spread(20, 5000) : PLAIN_NIC.txBusyMax,
  };
}

/** Draws machines, wires and what is wrong with them. */
export function drawNetwork(random: Random): NetworkPlan {
  const faults = drawFaults(random);
  const count = random.pick([2, 2, 2, 3, 3, 4]);
  const mtu = random.pick([1500, 1500, 1500, 1500, 1500, 1280, 576, 4000, 9000]);
  const smallRegions = random.chance(0.25);
  const places = Array.from({ length: count }, (_, i) => {
    const nic = drawNic(random);
    const machine: MachineSettings = {
      name: `h${i + 1}`,
      address: `10.0.0.${i + 1}`,
      nic,
      mtu,
      regionSize: (smallRegions ? 6 : 10) * MEBIBYTE,
      clockOffset: random.between(1_000_000, 2_000_000_000),
      wakeDelay: random.chance(0.5) ? random.spread(1, 2000) : 0,
    };
    const held = nic.txBusyMax !== Number.POSITIVE_INFINITY;
    return {
      machine,
      // Every frame goes up once and down once: damage on the way down only is damage once.
      up: { ...drawLink(random, faults, held || random.chance(0.5)), corrupt: 0 },
      down: drawLink(random, faults, false),
    };
  });
  const lossy = faults.burstLoss > 0 || places.some((place) => place.up.loss + place.down.loss > 0);
  return { places, lossy, smallRegions, tolerant: faults.corruption === "arbitrary" };
}

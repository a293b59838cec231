import type { Conversation, World } from "./conversation/conversation.js";
import { addTotals, poolsInUse, readCounters, type Totals } from "./counters.js";
import { Digest } from "./digest.js";
import { drawNetwork, type NetworkPlan } from "./draw-network.js";
import { BYTES_MIN, WorkloadDrawer } from "./draw-workload.js";
import { EventQueue } from "./event-queue.js";
import { fail, SimulationFailure } from "./failure.js";
import type { HostOptions, StackHost } from "./host.js";
import type { HostPool } from "./host-pool.js";
import { delayUntilWrap } from "./initial-sequence.js";
import { Link, type LinkEvents, noLinkEvents } from "./link.js";
import { Machine } from "./machine.js";
import { Pattern } from "./pattern.js";
import { Random } from "./random.js";
import { type FrameObserver, Switch } from "./switch.js";

const SECOND = 1_000_000;
/** A run that delivers nothing for so long, although something is open, is stuck. */
const STALL_LIMIT = 1200 * SECOND;
/** In runs that tolerate damage, connections that deliver nothing for so long are given up. */
const DAMAGE_PATIENCE = 120 * SECOND;
const CLOSING_LIMIT = 1800 * SECOND;
const CLOSING_CHECK = SECOND;
const STEPS_MAX = 4_000_000;
const EXTRA_TRANSFERS_MAX = 60;
const DATAGRAM_MAX = 65507;
const DATAGRAM_MAX_LOSSY = 9000;
const WRAP_CHANCE = 0.15;

/** Independent sequences of pseudo-random numbers of one seed. */
const Stream = { network: 1, workload: 2, pattern: 3, world: 4, keys: 5, links: 16 } as const;

/** What a run came to. */
export interface RunResult {
  seed: bigint;
  /** Undefined when every invariant held. */
  failure: string | undefined;
  steps: number;
  digest: string;
  lossy: boolean;
  tolerant: boolean;
  bytes: number;
  /** Microseconds of virtual time. */
  virtualTime: number;
  totals: Totals;
  links: LinkEvents;
}

/** One run: everything that happens in it follows from the seed. */
export class Simulation {
  private readonly events = new EventQueue();
  private readonly digest = new Digest();
  private readonly links = noLinkEvents();
  private readonly plan: NetworkPlan;
  private readonly machines: Machine[] = [];
  private readonly egress: Link[] = [];
  private readonly hosts: StackHost[] = [];
  private readonly fabric: Switch;
  private conversations: Conversation[] = [];
  private workload: WorkloadDrawer;
  private steps = 0;
  private bytes = 0;
  private lastProgress = 0;
  private nextPort = 1024;
  private wrapPort = 0;

  constructor(
    private readonly seed: bigint,
    private readonly pool: HostPool,
    private readonly observe: FrameObserver | undefined = undefined,
  ) {
    const network = new Random(seed, Stream.network);
    this.plan = drawNetwork(network);
    this.fabric = new Switch((place, frame, fate) => this.observe?.(place, frame, fate, this.events.now));
    const wraps = network.chance(WRAP_CHANCE);
    const keys = new Random(seed, Stream.keys);
    const seeds = this.plan.places.map(() => [keys.word64(), keys.word64(), keys.word64(), keys.word64()]);
    if (wraps) this.wrapPort = network.between(20_000, 30_000);
    this.plan.places.forEach((_, i) => {
      this.addMachine(i, seeds[i] as NonNullable<HostOptions["seed"]>, network);
    });
    const world: World = {
      machines: this.machines,
      random: new Random(seed, Stream.world),
      pattern: new Pattern(new Random(seed, Stream.pattern)),
      tolerant: this.plan.tolerant,
      progress: (bytes) => this.progress(bytes),
      blockFlow: (flow) => this.fabric.block(flow),
      freePort: () => this.nextPort++,
    };
    const { smallRegions } = this.plan;
    const conditions = { mtu: this.mtu(), smallRegions, datagramMax: this.datagramMax() };
    this.workload = new WorkloadDrawer(new Random(seed, Stream.workload), world, conditions);
  }

  /** Runs to the end; never throws for what the stack did. */
  run(): RunResult {
    let failure: string | undefined;
    try {
      this.converse();
      this.wind();
    } catch (error) {
      failure = this.reason(error);
    }
    const totals: Totals = {};
    for (const host of this.hosts) addTotals(totals, readCounters(host));
    for (const host of this.hosts) this.pool.giveBack(host, failure === undefined);
    return {
      seed: this.seed,
      failure,
      steps: this.steps,
      digest: this.digest.hex(),
      lossy: this.plan.lossy,
      tolerant: this.plan.tolerant,
      bytes: this.bytes,
      virtualTime: this.events.now,
      totals,
      links: this.links,
    };
  }

  private mtu(): number {
    return this.plan.places[0]?.machine.mtu ?? 0;
  }

  /** Every fragment of a datagram must get through, and through every queue. */
  private datagramMax(): number {
    const { lossy, tolerant, places } = this.plan;
    const queue = Math.min(...places.flatMap(({ up, down }) => [up.queueLimit, down.queueLimit]));
    return Math.min(lossy || tolerant ? DATAGRAM_MAX_LOSSY : DATAGRAM_MAX, Math.floor(queue / 2));
  }

  private addMachine(index: number, seed: NonNullable<HostOptions["seed"]>, random: Random): void {
    const place = this.plan.places[index];
    if (place === undefined) return;
    const { machine: settings, up, down } = place;
    const options: HostOptions = {
      size: settings.regionSize,
      now: BigInt(settings.clockOffset),
      seed,
      ip: settings.address,
      mac: index + 1,
      mtu: settings.mtu,
      flags: settings.nic.flags,
      segmentationMax: settings.nic.segmentationMax,
    };
    const host = this.pool.take(settings.regionSize);
    if (index === 0 && this.wrapPort !== 0) {
      const to = { ip: this.plan.places[1]?.machine.address ?? "", port: this.wrapPort + 1 };
      const delay = delayUntilWrap(host, options, this.wrapPort, to, random.between(15_000, 60_000));
      settings.clockOffset += delay;
      options.now = BigInt(settings.clockOffset);
    }
    host.restart(options);
    const linkRandom = (direction: number) => new Random(this.seed, Stream.links + 2 * index + direction);
    const machine = new Machine(host, settings, this.events, (from, frame, fate) =>
      this.sent(from, frame, fate),
    );
    const port = this.fabric.addPort(
      index + 1,
      new Link(down, this.events, linkRandom(0), this.links, (frame) => machine.frameArrived(frame)),
    );
    const egress = new Link(up, this.events, linkRandom(1), this.links, (frame) =>
      this.fabric.forward(port, frame),
    );
    this.hosts.push(host);
    this.machines.push(machine);
    this.egress.push(egress);
  }

  private sent(from: Machine, frame: Uint8Array, fate: string): void {
    this.digest.addNumber(this.events.now);
    this.digest.addWord(from.settings.name.charCodeAt(1));
    this.digest.addBytes(frame);
    this.observe?.(from.settings.name, frame, fate, this.events.now);
  }

  private progress(bytes: number): void {
    this.bytes += bytes;
    this.lastProgress = this.events.now;
  }

  private step(): void {
    if (++this.steps > STEPS_MAX) fail(`more than ${STEPS_MAX} steps: ${this.openOnes()}`);
    if (!this.events.step()) fail(`nothing is left to happen, but: ${this.openOnes()}`);
  }

  /** Everything that was drawn, and more where damage kept the run from moving enough bytes. */
  private converse(): void {
    this.machines.forEach((machine, i) => {
      machine.powerOn(this.egress[i] as Link);
    });
    this.conversations = this.workload.drawAll();
    if (this.wrapPort !== 0) {
      this.conversations.unshift(this.workload.wrapping(this.wrapPort, this.wrapPort + 1));
    }
    for (const conversation of this.conversations) conversation.start();
    this.runConversations();
    for (let extra = 0; this.bytes < BYTES_MIN && extra < EXTRA_TRANSFERS_MAX; extra++) {
      const conversation = this.workload.bulk(BYTES_MIN - this.bytes + 10_000);
      this.conversations = [conversation];
      conversation.start();
      this.runConversations();
    }
    if (this.bytes < BYTES_MIN) fail(`only ${this.bytes} bytes were moved`);
  }

  private runConversations(): void {
    this.lastProgress = this.events.now;
    let open = this.conversations;
    while (open.length > 0) {
      // Looking at every conversation after every step would cost more than the steps.
      for (let i = 0; i < 64 && this.events.length > 0; i++) this.step();
      open = open.filter((conversation) => !conversation.isDone());
      const quiet = this.events.now - this.lastProgress;
      if (open.length > 0 && this.plan.tolerant && quiet > DAMAGE_PATIENCE) {
        for (const conversation of open) conversation.abandon();
      } else if (open.length > 0 && (quiet > STALL_LIMIT || this.events.length === 0)) {
        fail(`nothing was delivered for ${Math.round(quiet / SECOND)} s: ${this.openOnes()}`);
      }
    }
  }

  private openOnes(): string {
    const open = this.conversations.filter((conversation) => !conversation.isDone());
    return open.map((conversation) => conversation.describe()).join("; ");
  }

  /** Everything is closed: what was taken from the pools must come back. */
  private wind(): void {
    for (const machine of this.machines) machine.powerOff();
    const end = this.events.now + CLOSING_LIMIT;
    while (this.events.now < end && this.leftovers() !== "") {
      const pause = this.events.now + CLOSING_CHECK;
      while (this.events.nextTime() <= pause) this.step();
      this.events.now = pause;
    }
    if (this.leftovers() !== "") {
      fail(`left in pools ${CLOSING_LIMIT / SECOND} s after everything was closed: ${this.leftovers()}`);
    }
  }

  private leftovers(): string {
    return this.machines
      .map((machine) => ({ name: machine.settings.name, used: poolsInUse(machine.host) }))
      .filter(({ used }) => Object.keys(used).length > 0)
      .map(({ name, used }) => `${name} ${JSON.stringify(used)}`)
      .join(", ");
  }

  private reason(error: unknown): string {
    const at = `at ${(this.events.now / SECOND).toFixed(6)} s, step ${this.steps}`;
    if (error instanceof SimulationFailure) return `${error.message} (${at})`;
    if (error instanceof WebAssembly.RuntimeError) return `trap: ${error.message} (${at})\n${error.stack}`;
    return `${error instanceof Error ? (error.stack ?? error.message) : String(error)} (${at})`;
  }
}

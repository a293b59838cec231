import { SOCK_DGRAM } from "../../build/generated/node/system.js";
import { addTotals, poolsInUse, readCounters, type Totals } from "../counters.js";
import { Digest } from "../digest.js";
import { fail, SimulationFailure } from "../failure.js";
import { Random } from "../random.js";
import { Bystander } from "./bystander.js";
import { forgeArp, forgeDatagram, forgeFragment, forgeIcmp, forgeNoise, forgeSegment } from "./forge.js";
import { FuzzLan, must, openStream, type Seen } from "./lan.js";
import { address, mutate, recomputeChecksums, splice } from "./mutate.js";
import { type Victim, VictimMaker } from "./victims.js";

const LISTEN_PORT = 80;
const DATAGRAM_PORT = 5353;
const FRAMES_PER_ROUND = 300;
const FRAMES_PER_EXCHANGE = 60;
/** After so many rounds everything must have come back to the pools. */
const ROUNDS_PER_LEAK_CHECK = 10;
const ROUND_PAUSE = 1_000_000;
const DRAIN_LIMIT = 2_400_000_000;
const DRAIN_STEP = 5_000_000;
const CHECKSUM_SHARE = 0.92;

/** What a run of the fuzzer came to. */
export interface FuzzResult {
  seed: bigint;
  failure: string | undefined;
  frames: number;
  /** Frames in which every checksum was computed anew. */
  recomputed: number;
  /** Frames by the state of the connection they were meant for. */
  byState: Totals;
  /** Bytes that the bystander exchanged meanwhile. */
  verified: number;
  /** Frames with which the target answered. */
  answers: number;
  digest: string;
  counters: Totals;
}

/** Sends damaged and forged frames to a stack with connections in every state. */
export class Fuzzer {
  private readonly lan: FuzzLan;
  private readonly random: Random;
  private readonly bystander: Bystander;
  private readonly listener: number;
  private readonly datagram: number;
  private readonly makers: VictimMaker;
  private readonly digest = new Digest();
  private readonly byState: Totals = {};
  private frames = 0;
  private recomputed = 0;
  private rounds = 0;
  private baseline: string;
  private lastFrame: Uint8Array = new Uint8Array(0);

  constructor(private readonly seed: bigint) {
    this.random = new Random(seed, 91);
    this.lan = new FuzzLan(seed);
    const { target } = this.lan;
    this.listener = openStream(target);
    target.host.setEndpoint({ ip: target.ip, port: LISTEN_PORT });
    must("bind", target.host.doors.socketBind(this.listener));
    must("listen", target.host.doors.socketListen(this.listener, 64));
    this.datagram = must("socket", target.host.doors.socketOpen(4, SOCK_DGRAM));
    target.host.setEndpoint({ ip: target.ip, port: DATAGRAM_PORT });
    must("bind", target.host.doors.socketBind(this.datagram));
    this.makers = new VictimMaker(this.lan, this.listener, LISTEN_PORT, this.random);
    this.bystander = new Bystander(this.lan, this.random);
    this.lan.advance(1_000_000);
    this.baseline = this.poolsOfTarget();
  }

  /** Sends `count` frames; never throws for what the stack did. */
  run(count: number): FuzzResult {
    let failure: string | undefined;
    try {
      while (this.frames < count) this.round(Math.min(FRAMES_PER_ROUND, count - this.frames));
      this.checkLeaks();
    } catch (error) {
      failure = this.reason(error);
    }
    const counters: Totals = {};
    addTotals(counters, readCounters(this.lan.target.host));
    return {
      seed: this.seed,
      failure,
      frames: this.frames,
      recomputed: this.recomputed,
      byState: this.byState,
      verified: this.bystander.verified,
      answers: this.lan.answers,
      digest: this.digest.hex(),
      counters,
    };
  }

  private reason(error: unknown): string {
    const where = `frame ${this.frames}: ${Buffer.from(this.lastFrame).toString("hex")}`;
    if (error instanceof SimulationFailure) return `${error.message} (after ${where})`;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${error instanceof WebAssembly.RuntimeError ? "trap: " : ""}${text} (after ${where})`;
  }

  private round(frames: number): void {
    this.makers.heal();
    const victims = this.makers.all();
    for (let i = 0; i < frames; i++) {
      this.attack(this.random.pick(victims));
      if (i % FRAMES_PER_EXCHANGE === FRAMES_PER_EXCHANGE - 1) this.bystander.exchange();
    }
    this.dissolve(victims);
    if (++this.rounds % ROUNDS_PER_LEAK_CHECK === 0) this.checkLeaks();
  }

  private attack(victim: Victim): void {
    const { random, lan } = this;
    const seen = lan.flow(victim.targetPort, victim.peerPort);
    const frame = this.makeFrame(seen);
    const right = random.chance(CHECKSUM_SHARE) && recomputeChecksums(frame);
    this.lastFrame = frame;
    this.frames++;
    if (right) this.recomputed++;
    this.byState[victim.state] = (this.byState[victim.state] ?? 0) + 1;
    this.digest.addBytes(frame);
    lan.target.host.receive([frame]);
    lan.pump();
    this.digest.addNumber(lan.answers);
    lan.advance(random.chance(0.01) ? random.spread(1000, 400_000) : random.below(100));
  }

  /** A frame that has nothing to do with the bystander. */
  private makeFrame(seen: Seen): Uint8Array {
    const { target, peer } = this.lan;
    for (;;) {
      const frame = this.drawFrame(seen);
      if (this.random.chance(0.98)) address(frame, target.host.mac, peer.host.mac);
      if (!this.concernsBystander(frame)) return frame;
    }
  }

  private drawFrame(seen: Seen): Uint8Array {
    const { random } = this;
    const { flow, fromPeer, fromTarget } = seen;
    const kind = random.unit();
    const captured = fromPeer.length > 0 ? random.pick(fromPeer) : undefined;
    if (kind < 0.42 && captured !== undefined) return mutate(captured, random);
    if (kind < 0.47 && captured !== undefined && fromTarget.length > 0) {
      return splice(captured, random.pick(fromTarget), random);
    }
    if (kind < 0.8) return forgeSegment(flow, random);
    if (kind < 0.85) return mutate(forgeSegment(flow, random), random);
    if (kind < 0.89) return forgeDatagram(flow, [DATAGRAM_PORT], random);
    if (kind < 0.94)
      return forgeIcmp(flow, fromTarget.length > 0 ? random.pick(fromTarget) : undefined, random);
    if (kind < 0.97) return forgeFragment(flow, random);
    return kind < 0.985 ? forgeArp(flow, random) : forgeNoise(random);
  }

  /**
   * Its address anywhere: as a source, in ARP, in what an ICMP error quotes. Such a frame would attack it
   * rightly.
   */
  private concernsBystander(frame: Uint8Array): boolean {
    const last = frame.length - 3;
    for (let at = 12; at < last; at++) {
      if (frame[at] === 10 && frame[at + 1] === 0 && frame[at + 2] === 0 && frame[at + 3] === 3) return true;
    }
    return frame[11] === 3 && frame[6] === 2;
  }

  /** Opens all paths and closes every socket of the round, and what forged segments opened. */
  private dissolve(victims: readonly Victim[]): void {
    const { lan } = this;
    const { target, peer } = lan;
    lan.openAll();
    for (const victim of victims) {
      if (victim.target >= 0) must("close", target.host.doors.socketClose(victim.target, target.host.now));
      if (victim.peer >= 0) must("close", peer.host.doors.socketClose(victim.peer, peer.host.now));
    }
    for (;;) {
      const handle = target.host.doors.socketAccept(this.listener, target.host.now);
      if (handle < 0) break;
      must("close", target.host.doors.socketClose(handle, target.host.now));
    }
    while (typeof target.host.recv(this.datagram, 65536) !== "number");
    lan.pump();
    lan.advance(ROUND_PAUSE);
  }

  private poolsOfTarget(): string {
    return JSON.stringify(poolsInUse(this.lan.target.host));
  }

  private checkLeaks(): void {
    const { lan } = this;
    const end = lan.now + DRAIN_LIMIT;
    while (this.poolsOfTarget() !== this.baseline && lan.now < end) {
      lan.advance(DRAIN_STEP);
      this.dissolve([]);
    }
    if (this.poolsOfTarget() !== this.baseline) {
      fail(`pools hold ${this.poolsOfTarget()} where they held ${this.baseline} at the start`);
    }
    this.bystander.exchange();
  }
}

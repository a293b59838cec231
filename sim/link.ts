import { type CorruptionKind, corrupt } from "./corruption.js";
import type { EventQueue } from "./event-queue.js";
import type { Random } from "./random.js";

/** One direction of a wire. Times in microseconds, probabilities per frame. */
export interface LinkSettings {
  delay: number;
  /** Up to this much more, without overtaking. */
  jitter: number;
  /** Bytes per microsecond. */
  rate: number;
  /** Bytes that may wait to be sent; what comes on top is lost. */
  queueLimit: number;
  loss: number;
  /** Probability that a frame begins a burst of losses, and how long one lasts at most. */
  burstLoss: number;
  burstDuration: number;
  reorder: number;
  /** How much later a reordered frame arrives, at most. */
  reorderDelay: number;
  duplicate: number;
  corruption: CorruptionKind;
  corrupt: number;
  /** The link carries nothing for `outageLength` in every `outagePeriod`; 0: never. */
  outagePeriod: number;
  outageLength: number;
}

/** A wire without faults. */
export const PERFECT_LINK: LinkSettings = {
  delay: 10,
  jitter: 0,
  rate: 1250,
  queueLimit: Number.POSITIVE_INFINITY,
  loss: 0,
  burstLoss: 0,
  burstDuration: 0,
  reorder: 0,
  reorderDelay: 0,
  duplicate: 0,
  corruption: "none",
  corrupt: 0,
  outagePeriod: 0,
  outageLength: 0,
};

/** What befell frames on the links of a run. */
export interface LinkEvents {
  delivered: number;
  lost: number;
  overflowed: number;
  reordered: number;
  duplicated: number;
  corrupted: number;
}

/** No event yet. */
export function noLinkEvents(): LinkEvents {
  return { delivered: 0, lost: 0, overflowed: 0, reordered: 0, duplicated: 0, corrupted: 0 };
}

/** Bytes a frame takes on the wire beside its own: preamble, checksum and gap of Ethernet. */
const WIRE_OVERHEAD = 24;

/**
 * Whether a moment falls into the outage of its period. It begins at another place in every period, or
 * retransmissions that double their distance could fall into outages for ever.
 */
function inOutage(now: number, period: number, length: number): boolean {
  const number = Math.floor(now / period);
  const place = (Math.imul(number + 1, 0x9e3779b1) >>> 0) / 2 ** 32;
  const since = now - number * period - place * (period - length);
  return since >= 0 && since < length;
}

/**
 * One direction of a wire: frames enter with send() and come out at `receiver`, later, some of them never.
 */
export class Link {
  private freeAt = 0;
  private lastArrival = 0;
  private burstUntil = 0;

  constructor(
    private readonly settings: LinkSettings,
    private readonly events: EventQueue,
    private readonly random: Random,
    private readonly counts: LinkEvents,
    private readonly receiver: (frame: Uint8Array) => void,
  ) {}

  /** When what was sent so far has left, in virtual time. */
  busyUntil(): number {
    return Math.max(this.freeAt, this.events.now);
  }

  /** Sends a frame; answers what will become of it, for the trace. */
  send(frame: Uint8Array): string {
    const s = this.settings;
    const now = this.events.now;
    const start = Math.max(now, this.freeAt);
    if ((start - now) * s.rate + frame.length > s.queueLimit) {
      this.counts.overflowed++;
      return "queue full";
    }
    this.freeAt = start + Math.ceil((frame.length + WIRE_OVERHEAD) / s.rate);
    if (this.isLost(now)) {
      this.counts.lost++;
      return "lost";
    }
    const damaged = this.random.chance(s.corrupt) ? corrupt(frame, s.corruption, this.random) : undefined;
    if (damaged !== undefined) this.counts.corrupted++;
    const copies = this.random.chance(s.duplicate) ? 2 : 1;
    this.counts.duplicated += copies - 1;
    let fate = damaged === undefined ? "" : "corrupted";
    for (let i = 0; i < copies; i++) fate += this.deliver(damaged ?? frame);
    return copies > 1 ? `${fate} duplicated` : fate;
  }

  private isLost(now: number): boolean {
    const s = this.settings;
    if (s.outagePeriod > 0 && inOutage(now, s.outagePeriod, s.outageLength)) return true;
    if (now < this.burstUntil) return true;
    if (this.random.chance(s.burstLoss)) {
      this.burstUntil = now + this.random.below(s.burstDuration);
      return true;
    }
    return this.random.chance(s.loss);
  }

  private deliver(frame: Uint8Array): string {
    const s = this.settings;
    let arrival = this.freeAt + s.delay + (s.jitter > 0 ? this.random.below(s.jitter + 1) : 0);
    let fate = "";
    if (this.random.chance(s.reorder)) {
      arrival += this.random.between(1, s.reorderDelay);
      this.counts.reordered++;
      fate = " reordered";
    } else {
      arrival = Math.max(arrival, this.lastArrival);
      this.lastArrival = arrival;
    }
    this.counts.delivered++;
    this.events.at(arrival, () => this.receiver(frame));
    return fate;
  }
}

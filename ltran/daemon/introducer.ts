/**
 * Introduces clients that talk to each other, so that they have a ring of their own
 * (docs/control-protocol.md).
 */
import * as layout from "../../build/generated/node/registration-layout.js";
import type { DaemonConfig } from "./config.js";
import type { Forwarder } from "./forwarder.js";
import { type RingEnd, type RingGeometry, readIntroduction, writeIntroduction } from "./introduction.js";
import type { Native, Received } from "./native.js";
import type { Connection } from "./registrar.js";

/** A client that does not answer after this time is given up, in milliseconds. */
const PATIENCE_MS = 2_000;
/** How soon a pair that failed, or whose ring ended, may be introduced again. */
const RETRY_MS = 5_000;
/** Introductions under way, and rings that one client may have: its stack has sixteen ports. */
const UNDER_WAY_MOST = 64;
const RINGS_MOST = 12;

/** A pair of clients on its way to a ring of its own: the one that makes it, the one that attaches to it. */
interface Attempt {
  number: number;
  first: Connection;
  second: Connection;
  hasOffered: boolean;
  timer: NodeJS.Timeout;
}

/** A ring between stacks at two addresses, each of one process alone; who of the two says that it has it. */
interface Ring {
  ends: readonly [RingEnd, RingEnd];
  holders: Set<Connection>;
}

/** A client's end of a ring; clients with IPv6 are not introduced, and have none. */
function endOf({ registered }: Connection): RingEnd | undefined {
  const ipv4 = registered?.instance.ipv4 ?? undefined;
  if (registered === null || ipv4 === undefined) return undefined;
  return { ipv4, stackIndex: registered.wanted.stackIndex };
}

function isSame(first: RingEnd | undefined, second: RingEnd | undefined): boolean {
  return first?.ipv4 === second?.ipv4 && first?.stackIndex === second?.stackIndex;
}

/** Passes messages and descriptors on; keeps neither memory nor descriptors of a ring. */
export class Introducer {
  readonly #native: Native;
  readonly #forwarder: Forwarder;
  readonly #isOn: boolean;
  readonly #clients: () => readonly Connection[];
  readonly #attempts = new Map<number, Attempt>();
  readonly #retries = new Set<NodeJS.Timeout>();
  readonly #rings = new Set<Ring>();
  /** Who ended a ring to an address lately: perhaps as its peer is gone, which shows here a little later. */
  readonly #ended = new Set<{ client: Connection; end: RingEnd }>();
  #numbers = 0;

  /** `clients` are the connections that have registered. */
  constructor(
    native: Native,
    config: DaemonConfig,
    forwarder: Forwarder,
    clients: () => readonly Connection[],
  ) {
    this.#native = native;
    this.#forwarder = forwarder;
    this.#isOn = config.hasDirectRings;
    this.#clients = clients;
  }

  /** The addresses to which a client has rings, once for each of them. */
  ringsOf(client: Connection): number[] {
    const own = endOf(client);
    return [...this.#rings]
      .filter(({ holders }) => holders.has(client))
      .map(({ ends: [first, second] }) => (isSame(first, own) ? second.ipv4 : first.ipv4));
  }

  /** Introduces the pairs that the forwarder has noted. */
  noted(): void {
    for (let pair = this.#forwarder.nextPair(); pair !== null; pair = this.#forwarder.nextPair()) {
      const [first, second] = pair.map((vport) =>
        this.#clients().find((c) => c.registered?.vport.id === vport),
      );
      if (first !== undefined && second !== undefined) this.#begin(first, second);
    }
  }

  #begin(first: Connection, second: Connection): void {
    const both = [first, second];
    const isFull = both.some((client) => this.ringsOf(client).length >= RINGS_MOST);
    const isShared = both.some((client) => this.#isShared(endOf(client)?.ipv4));
    if (!this.#isOn || isFull || isShared || this.#attempts.size >= UNDER_WAY_MOST) {
      this.#retryLater(first, second);
      return;
    }
    this.#numbers = this.#numbers === 0xffff_ffff ? 1 : this.#numbers + 1;
    const number = this.#numbers;
    const timer = setTimeout(() => this.#giveUp(number), PATIENCE_MS);
    this.#attempts.set(number, { number, first, second, hasOffered: false, timer });
    this.#tell(first, layout.REGISTRATION_OFFER, number, second);
  }

  /** Tells a client of another one; who does not take it shows its end, or is given up in time. */
  #tell(
    to: Connection,
    kind: number,
    number: number,
    about: Connection,
    ring?: RingGeometry,
    fds: readonly number[] = [],
  ): void {
    if (about.registered === null) return;
    const { instance, wanted } = about.registered;
    const { mac, ipv4, stackCount } = instance;
    if (ipv4 === null) return;
    const told = { kind, number, mac, ipv4, stackIndex: wanted.stackIndex, stackCount, peer: about.peer };
    this.#native.send(to.fd, writeIntroduction(told, ring), ...fds);
  }

  /**
   * Takes a message of a registered client, which keeps its descriptors; false when it is none that there is.
   */
  take(from: Connection, message: Received): boolean {
    const said = readIntroduction(message.data);
    if (said === null) return false;
    const { kind, number, ipv4, stackIndex } = said;
    const about = { ipv4, stackIndex };
    const attempt = this.#attempts.get(number);
    const isFirst = attempt?.first === from;
    const isSecond = attempt?.second === from && attempt.hasOffered;
    if (kind === layout.REGISTRATION_OFFERED) {
      if (attempt === undefined || !isFirst || attempt.hasOffered || message.fds.length !== 2) return true;
      attempt.hasOffered = true;
      this.#tell(attempt.second, layout.REGISTRATION_INTRODUCTION, number, from, said, message.fds);
    } else if (kind === layout.REGISTRATION_ATTACHED) {
      if (attempt !== undefined && isSecond) this.#conclude(attempt);
      else if (number === 0) this.#hold(from, about);
    } else if (isFirst || isSecond) {
      this.#giveUp(number);
    } else if (number === 0) {
      this.#end(this.#ringBetween(endOf(from), about));
      this.#noteEnded(from, about);
    }
    return true;
  }

  #conclude({ number, first, second, timer }: Attempt): void {
    const [own, other] = [endOf(first), endOf(second)];
    clearTimeout(timer);
    this.#attempts.delete(number);
    if (own === undefined || other === undefined) return;
    this.#hold(first, other);
    this.#hold(second, own);
    this.#tell(first, layout.REGISTRATION_READY, number, second);
  }

  #ringBetween(first: RingEnd | undefined, second: RingEnd): Ring | undefined {
    return [...this.#rings].find(
      ({ ends }) =>
        first?.ipv4 !== second.ipv4 &&
        ends.some((end) => isSame(end, first)) &&
        ends.some((end) => isSame(end, second)),
    );
  }

  /** A client has a ring to a stack at another address, perhaps from before it registered here. */
  #hold(client: Connection, to: RingEnd): void {
    const own = endOf(client);
    if (own === undefined || own.ipv4 === to.ipv4 || this.ringsOf(client).length >= RINGS_MOST) return;
    const ring = this.#ringBetween(own, to) ?? { ends: [own, to] as const, holders: new Set() };
    this.#rings.add(ring);
    ring.holders.add(client);
    const [first, second] = [...ring.holders].map(({ registered }) => registered?.vport.id);
    if (first !== undefined && second !== undefined) this.#forwarder.pairMade(first, second);
    for (const { ipv4 } of ring.ends) if (this.#isShared(ipv4)) this.#withdraw(ipv4);
  }

  /** Several processes have an address, or it is none of IPv4: it does not say who is meant. */
  #isShared(ipv4: number | undefined): boolean {
    if (ipv4 === undefined) return true;
    const instances = this.#clients().map(({ registered }) => registered?.instance);
    return new Set(instances.filter((instance) => instance?.ipv4 === ipv4)).size > 1;
  }

  #giveUp(number: number): void {
    const attempt = this.#attempts.get(number);
    if (attempt === undefined) return;
    clearTimeout(attempt.timer);
    this.#attempts.delete(number);
    this.#retryLater(attempt.first, attempt.second);
  }

  #noteEnded(client: Connection, end: RingEnd): void {
    const note = { client, end };
    this.#ended.add(note);
    this.#later(() => this.#ended.delete(note));
  }

  #later(action: () => void): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      action();
    }, RETRY_MS);
    this.#retries.add(timer);
  }

  /** There is no ring any more. */
  #end(ring: Ring | undefined): void {
    if (ring === undefined || !this.#rings.delete(ring)) return;
    const [first, second] = [...ring.holders];
    if (first === undefined || second === undefined) return;
    if (first.registered !== null && second.registered !== null) {
      this.#forwarder.pairEnded(first.registered.vport.id, second.registered.vport.id);
    }
    this.#retryLater(first, second);
  }

  /** Frames between two clients may be noted again after a while. */
  #retryLater(first: Connection, second: Connection): void {
    this.#later(() => {
      if (first.registered === null || second.registered === null) return;
      this.#forwarder.pairAgain(first.registered.vport.id, second.registered.vport.id);
    });
  }

  /** Rings to an address, or to one stack of it, end: who has one is told. */
  #withdraw(ipv4: number, stackIndex?: number): void {
    const isMeant = (end: RingEnd) =>
      end.ipv4 === ipv4 && (stackIndex === undefined || end.stackIndex === stackIndex);
    for (const ring of this.#rings) {
      const gone = ring.ends.find(isMeant);
      if (gone === undefined) continue;
      // Before the clients send by ltran again: nothing is unknown from now on.
      this.#end(ring);
      for (const holder of ring.holders) if (!isSame(endOf(holder), gone)) this.#tellWithdrawn(holder, gone);
    }
  }

  #tellWithdrawn({ fd, peer }: Connection, end: RingEnd): void {
    const told = { kind: layout.REGISTRATION_WITHDRAWN, number: 0, mac: 0n, stackCount: 0, ...end, peer };
    this.#native.send(fd, writeIntroduction(told));
  }

  /** A client has registered. */
  opened(client: Connection): void {
    const ipv4 = endOf(client)?.ipv4;
    if (ipv4 === undefined || !this.#isShared(ipv4)) return;
    for (const { number, first, second } of [...this.#attempts.values()]) {
      if (endOf(first)?.ipv4 === ipv4 || endOf(second)?.ipv4 === ipv4) this.#giveUp(number);
    }
    this.#withdraw(ipv4);
  }

  /** A client is gone, and its vport closed: who had a ring to its address is told, and answered for it. */
  closed(gone: Connection, ipv4: number | null, stackIndex: number): void {
    for (const { number, first, second } of [...this.#attempts.values()]) {
      if (first === gone || second === gone) this.#giveUp(number);
    }
    for (const { holders } of this.#rings) holders.delete(gone);
    if (ipv4 === null) return;
    this.#withdraw(ipv4, stackIndex);
    for (const { client, end } of this.#ended) {
      const isGone = client.registered === null;
      if (!isGone && isSame(end, { ipv4, stackIndex })) this.#tellWithdrawn(client, end);
    }
  }

  /** Waits for nothing any more. */
  close(): void {
    for (const { timer } of this.#attempts.values()) clearTimeout(timer);
    for (const timer of this.#retries) clearTimeout(timer);
  }
}

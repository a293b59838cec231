/** A socket at which clients connect. */
import { chmodSync, closeSync, openSync } from "node:fs";
import type { Peer } from "./admission.js";
import type { BoundedLog } from "./bounded-log.js";
import { errorName, type Native } from "./native.js";
import { claim, temporaryName } from "./place.js";

/** What mends a lack of descriptors. */
export const REMEDY = "raise LimitNOFILE in ltran.service, or `ulimit -n` before ltran";
/** Connections taken in one turn of Node's loop. */
const ACCEPTS_MOST = 32;
/** What accept() answers when descriptors or memory are short, in this process or in all. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];
/** For how long nobody is let in when not even a refusal could be sent, in milliseconds. */
const REST_MS = 100;

/** What becomes of who connects; the descriptor is the callee's from then on, and closed by it. */
export interface Reception {
  enter: (fd: number, peer: Peer) => void;
  /** There is no descriptor for more than saying no. */
  turnAway: (fd: number, peer: Peer) => void;
}

/**
 * Listens, and lets a bounded number of clients in at a time. A descriptor is kept in reserve: without it,
 * those who connect while there are none would make the socket readable for ever and be told nothing.
 */
export class Entrance {
  readonly #native: Native;
  readonly #log: BoundedLog;
  readonly #reception: Reception;
  #listener = -1;
  #reserve = -1;
  #rest: NodeJS.Timeout | null = null;
  #turnedAway = 0;

  constructor(native: Native, log: BoundedLog, reception: Reception) {
    this.#native = native;
    this.#log = log;
    this.#reception = reception;
  }

  /** Clients that were turned away as descriptors or memory were short. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Listens at a path. @throws Error when another ltran does, or the file cannot be made. */
  async listen(path: string, backlog: number, isShared: boolean): Promise<void> {
    const temporary = temporaryName(path);
    this.#listener = this.#native.listen(temporary, backlog);
    if (this.#listener < 0) throw new Error(`cannot listen at ${path}`);
    this.#keepReserve();
    // With others allowed anybody may connect: who may not register is told so.
    chmodSync(temporary, isShared ? 0o666 : 0o600);
    await claim(temporary, path);
    if (!this.watch(this.#listener)) throw new Error(`cannot listen at ${path}`);
  }

  /** Whether a descriptor that became readable is the listening one; then clients were let in. */
  readable(fd: number): boolean {
    if (fd !== this.#listener) return false;
    this.#accept();
    return true;
  }

  /** Asks to be told when a descriptor is readable; false when nobody will be. */
  watch(fd: number): boolean {
    const answer = this.#native.watch(fd);
    if (answer < 0) this.#log.say(`cannot watch a connection (${errorName(answer)})`);
    return answer >= 0;
  }

  /** Stops to listen. */
  close(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    for (const fd of [this.#listener, this.#reserve]) if (fd >= 0) closeSync(fd);
    this.#listener = this.#reserve = -1;
  }

  #accept(): void {
    for (let count = 0; count < ACCEPTS_MOST; count++) {
      const { fd, ...peer } = this.#native.accept(this.#listener);
      if (fd >= 0) {
        this.#reception.enter(fd, peer);
        continue;
      }
      const name = errorName(fd);
      if (!SHORTAGES.includes(name)) break;
      if (this.#turnAway(name)) continue;
      // Whoever waits is still there later.
      this.#rest ??= setTimeout(() => this.#resume(), REST_MS).unref();
      return;
    }
    this.watch(this.#listener);
  }

  #resume(): void {
    this.#rest = null;
    this.#keepReserve();
    this.#accept();
  }

  /** Tells one client, with the descriptor kept for that, that there are none; false when there was none. */
  #turnAway(shortage: string): boolean {
    if (this.#reserve >= 0) closeSync(this.#reserve);
    this.#reserve = -1;
    const { fd, ...peer } = this.#native.accept(this.#listener);
    if (fd >= 0) {
      this.#turnedAway++;
      this.#log.say(`process ${peer.pid} of user ${peer.uid} turned away (${shortage}); ${REMEDY}`);
      this.#reception.turnAway(fd, peer);
    }
    this.#keepReserve();
    return fd >= 0 && this.#reserve >= 0;
  }

  #keepReserve(): void {
    if (this.#reserve >= 0) return;
    try {
      this.#reserve = openSync("/dev/null", "r");
    } catch {
      // There is none now either.
    }
  }
}

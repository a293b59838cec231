import {
  EAGAIN,
  EALREADY,
  EINPROGRESS,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  MSG_PEEK,
  SHUT_WR,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../build/generated/node/system.js";
import { fail } from "./failure.js";
import type { Address } from "./host.js";
import type { Machine } from "./machine.js";
import type { Pattern } from "./pattern.js";

/** An option that an application sets: an int, or text. */
export interface SocketOption {
  level: number;
  name: number;
  value: number | string;
}

/**
 * How an end leaves: `half` shuts its sending side when it has sent everything and closes after the peer's
 * end of stream; `full` closes as soon as everything was sent and received; `together` closes at the moment
 * its peer does; `abort` resets the connection in mid stream.
 */
export type Closing = "half" | "full" | "together" | "abort";

/** What one end of a stream shall do. Times in microseconds. */
export interface StreamPlan {
  sendTotal: number;
  receiveTotal: number;
  /** How many bytes may have been sent once `received` bytes have come. */
  mayHaveSent: (received: number) => number;
  writeSize: number;
  writePause: number;
  readSize: number;
  readPause: number;
  closing: Closing;
  /** Bytes sent and received after which an `abort` comes. */
  abortAfter: number;
  edgeTriggered: boolean;
  /** Looks at received bytes with MSG_PEEK before it takes them. */
  peeks: boolean;
  options: readonly SocketOption[];
}

/** How an end came to its end. */
export type Outcome = "finished" | "aborted" | number;

/** Whom an end tells what happens, and asks. */
export interface StreamOwner {
  /** Bytes were sent or received and verified. */
  progress(end: StreamEnd, bytes: number): void;
  /** Everything was sent and received; only for ends that close `together`. */
  exchanged(end: StreamEnd): void;
  /** The end has closed its socket; a number is the errno that ended it. */
  ended(end: StreamEnd, outcome: Outcome): void;
  /** Bytes that are not the right ones: true when that may happen here. */
  toleratesDamage(): boolean;
}

/** Rounds of read or write in one go, so that no application keeps a machine for itself. */
const ROUNDS_MAX = 1_000;

/** One end of a TCP connection: an application that follows a plan, and checks every byte it gets. */
export class StreamEnd {
  sent = 0;
  received = 0;
  outcome: Outcome | undefined;
  private handle = -1;
  private remote: Address = { ip: "0.0.0.0", port: 0 };
  private key = 0;
  private watched = 0;
  private connecting = false;
  private endOfStream = false;
  private shut = false;
  private exchangeTold = false;
  private readPaused = false;
  private writePaused = false;
  private writeBlocked = false;

  constructor(
    readonly name: string,
    readonly machine: Machine,
    readonly plan: StreamPlan,
    private readonly outgoing: { pattern: Pattern; offset: number },
    private readonly incoming: { pattern: Pattern; offset: number },
    private readonly owner: StreamOwner,
  ) {}

  /** Opens a connection from `localPort` (0: the stack chooses); answers the local address, or -errno. */
  connect(to: Address, localPort = 0): Address | number {
    const { machine } = this;
    this.handle = machine.host.doors.socketOpen(4, SOCK_STREAM);
    if (this.handle < 0) return this.handle;
    this.applyOptions();
    if (localPort !== 0) machine.bind(this.handle, localPort);
    this.remote = to;
    const done = machine.connect(this.handle, to);
    if (done !== -EINPROGRESS) {
      machine.host.doors.socketClose(this.handle, machine.host.now);
      return done;
    }
    this.connecting = true;
    const local = machine.localAddress(this.handle);
    this.startWatching();
    return local;
  }

  /** Takes an accepted connection over. */
  adopt(handle: number): void {
    this.handle = handle;
    this.applyOptions();
    this.startWatching();
    this.work();
  }

  /** Closes now what has exchanged everything (for ends that close `together`). */
  closeNow(): void {
    if (this.outcome === undefined) this.finish("finished");
  }

  /** Gives up: closes whatever there is, without waiting for anything. */
  abandon(): void {
    if (this.outcome !== undefined) return;
    if (this.handle < 0) this.outcome = "aborted";
    else this.abort();
  }

  /** True once it has, or had, a socket. */
  isOpen(): boolean {
    return this.handle >= 0;
  }

  /** Where it stands, for reports of failure. */
  describe(): string {
    const { plan } = this;
    const state = this.handle < 0 ? "not open" : this.connecting ? "connecting" : "open";
    return (
      `${this.name} on ${this.machine.settings.name} ${this.outcome ?? state}: ` +
      `sent ${this.sent}/${plan.sendTotal}, received ${this.received}/${plan.receiveTotal}` +
      `${this.endOfStream ? ", end of stream" : ""}${this.shut ? ", shut" : ""}`
    );
  }

  private applyOptions(): void {
    for (const { level, name, value } of this.plan.options) {
      this.machine.setValue(this.handle, level, name, value);
    }
  }

  private startWatching(): void {
    this.watched = this.plan.edgeTriggered
      ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
      : this.connecting
        ? EPOLLOUT
        : EPOLLIN | EPOLLRDHUP;
    this.key = this.machine.watch(this.handle, this.watched, (events) => this.ready(events));
  }

  private ready(events: number): void {
    if (this.outcome !== undefined) fail(`${this.describe()}: an event for a closed socket`);
    if ((events & EPOLLERR) !== 0) {
      const error = this.machine.host.doors.socketError(this.handle);
      if (error > 0) {
        this.finish(error);
        return;
      }
    }
    if ((events & EPOLLOUT) !== 0) this.writeBlocked = false;
    // A hang-up is reported whatever is watched: it must be read away even in a pause.
    if ((events & EPOLLHUP) !== 0) this.readPaused = false;
    this.work();
  }

  private work(): void {
    if (this.outcome !== undefined) return;
    if (this.connecting && !this.finishConnect()) return;
    const rounds = this.plan.edgeTriggered ? ROUNDS_MAX : 1;
    let progressed = true;
    for (let i = 0; i < rounds && progressed && this.outcome === undefined; i++) {
      progressed = this.read();
      if (this.outcome === undefined && this.write()) progressed = true;
    }
    // There will be no other edge for what was left.
    if (progressed && this.plan.edgeTriggered) this.machine.later(0, () => this.work());
    if (this.outcome === undefined) this.closeIfDone();
    if (this.outcome === undefined) this.watchWhatMatters();
  }

  /**
   * Asks for the result of the connect, as a program does after EPOLLOUT; true when there is a connection.
   */
  private finishConnect(): boolean {
    const done = this.machine.connect(this.handle, this.remote);
    if (done === -EALREADY) return false;
    this.connecting = false;
    if (done !== 0) this.finish(-done);
    return done === 0;
  }

  /** One recv(); true when it brought something. */
  private read(): boolean {
    if (this.readPaused || this.endOfStream) return false;
    const { machine, plan } = this;
    if (plan.peeks) this.peek();
    const data = machine.host.recv(this.handle, plan.readSize);
    if (typeof data === "number") {
      if (data !== -EAGAIN) this.finish(-data);
      return false;
    }
    if (data.length === 0) {
      this.endOfStream = true;
      if (this.received !== plan.receiveTotal && !this.owner.toleratesDamage()) {
        fail(`${this.describe()}: the stream ended early`);
      }
      return false;
    }
    this.check(data);
    if (this.outcome !== undefined) return false;
    this.received += data.length;
    this.owner.progress(this, data.length);
    if (plan.readPause > 0) this.pauseReading();
    return true;
  }

  private check(data: Uint8Array): void {
    const { plan, incoming } = this;
    const tooMany = this.received + data.length > plan.receiveTotal;
    const position = incoming.offset + this.received;
    if (!tooMany && incoming.pattern.matches(position, data)) return;
    if (!this.owner.toleratesDamage()) {
      const why = tooMany ? "too many" : `wrong: ${incoming.pattern.describeDifference(position, data)}`;
      fail(`${this.describe()}: ${data.length} bytes arrived that are ${why}`);
    }
    this.abort();
  }

  private peek(): void {
    const { host } = this.machine;
    const seen = host.recv(this.handle, this.plan.readSize, MSG_PEEK);
    if (typeof seen === "number" || seen.length === 0) return;
    if (!this.incoming.pattern.matches(this.incoming.offset + this.received, seen)) {
      if (!this.owner.toleratesDamage()) fail(`${this.describe()}: MSG_PEEK showed wrong bytes`);
    }
  }

  private pauseReading(): void {
    this.readPaused = true;
    this.machine.later(this.plan.readPause, () => {
      this.readPaused = false;
      this.work();
    });
  }

  /** One send(); true when it took something. */
  private write(): boolean {
    const { machine, plan, outgoing } = this;
    if (this.writePaused || this.writeBlocked || this.shut) return false;
    const allowed = Math.min(plan.sendTotal, plan.mayHaveSent(this.received)) - this.sent;
    if (allowed <= 0) return false;
    const data = outgoing.pattern.slice(outgoing.offset + this.sent, Math.min(allowed, plan.writeSize));
    const taken = machine.host.send(this.handle, data);
    if (taken < 0) {
      if (taken === -EAGAIN) this.writeBlocked = true;
      else this.finish(-taken);
      return false;
    }
    if (taken === 0 || taken > data.length)
      fail(`${this.describe()}: send of ${data.length} answered ${taken}`);
    this.sent += taken;
    this.owner.progress(this, 0);
    if (plan.writePause > 0) {
      this.writePaused = true;
      machine.later(plan.writePause, () => {
        this.writePaused = false;
        this.work();
      });
    }
    return true;
  }

  private closeIfDone(): void {
    const { plan } = this;
    if (plan.closing === "abort" && this.sent + this.received >= plan.abortAfter) {
      this.abort();
      return;
    }
    const sentAll = this.sent === plan.sendTotal;
    const exchangedAll = sentAll && this.received === plan.receiveTotal;
    if (plan.closing === "full" && exchangedAll) {
      this.finish("finished");
    } else if (plan.closing === "together" && exchangedAll && !this.exchangeTold) {
      this.exchangeTold = true;
      this.owner.exchanged(this);
    } else if (plan.closing !== "together" && plan.closing !== "abort" && sentAll && !this.shut) {
      const done = this.machine.host.doors.socketShutdown(this.handle, SHUT_WR, this.machine.host.now);
      if (done !== 0) {
        this.finish(-done);
        return;
      }
      this.shut = true;
    }
    const ended = this.endOfStream && (sentAll || this.owner.toleratesDamage());
    if (ended && this.outcome === undefined) this.finish("finished");
  }

  private watchWhatMatters(): void {
    if (this.plan.edgeTriggered) return;
    let wanted = 0;
    if (!this.readPaused && !this.endOfStream) wanted |= EPOLLIN | EPOLLRDHUP;
    const { plan } = this;
    const more = this.sent < plan.sendTotal && this.sent < plan.mayHaveSent(this.received);
    if (more && !this.writePaused) wanted |= EPOLLOUT;
    if (wanted === this.watched) return;
    this.watched = wanted;
    this.machine.modify(this.key, this.handle, wanted);
  }

  /** Closes with SO_LINGER 0: a reset. */
  private abort(): void {
    this.machine.setOption(this.handle, SOL_SOCKET, SO_LINGER, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
    this.finish("aborted");
  }

  private finish(outcome: Outcome): void {
    const { machine } = this;
    this.outcome = outcome;
    machine.forget(this.key);
    const done = machine.host.doors.socketClose(this.handle, machine.host.now);
    if (done !== 0) fail(`${this.describe()}: close answered ${done}`);
    this.owner.ended(this, outcome);
  }
}

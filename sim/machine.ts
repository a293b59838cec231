import * as layout from "../build/generated/node/layout.js";
import { EPOLL_CTL_ADD } from "../build/generated/node/system.js";
import type { EventQueue } from "./event-queue.js";
import { fail } from "./failure.js";
import type { Address, StackHost } from "./host.js";
import type { Link } from "./link.js";
import { type NicSettings, receivedFrame, wireFrames } from "./nic.js";

const HARVESTS_PER_TURN_MAX = 10_000;
const HARVEST_MAX = 16;
const FRAMES_PER_DRAIN = 8;
const TICKS_IN_ONE_MOMENT_MAX = 16;

/** What distinguishes one machine from another. Times in microseconds. */
export interface MachineSettings {
  name: string;
  address: string;
  nic: NicSettings;
  mtu: number;
  /** Size of the stack's region in bytes. */
  regionSize: number;
  /** The machine's clock minus virtual time. */
  clockOffset: number;
  /** From the moment the application is woken until it runs. */
  wakeDelay: number;
}

/** Called with EPOLL* bits. */
type ReadyHandler = (events: number) => void;

/**
 * A computer of the simulation: one stack, its network interface, and an application that waits in one wait
 * set.
 */
export class Machine {
  readonly ip: string;
  private egress: Link | undefined;
  private readonly handlers = new Map<number, ReadyHandler>();
  private nextKey = 1;
  private waitSet = -1;
  private readonly arrived: Uint8Array[] = [];
  private interruptPending = false;
  private turnPending = false;
  private drainPending = false;
  private deadlineAt = Number.POSITIVE_INFINITY;

  constructor(
    readonly host: StackHost,
    readonly settings: MachineSettings,
    private readonly events: EventQueue,
    private readonly sent: (machine: Machine, frame: Uint8Array, fate: string) => void,
  ) {
    this.ip = settings.address;
  }

  /** Connects the machine to the network and lets it begin. */
  powerOn(egress: Link): void {
    this.egress = egress;
    this.setClock();
    this.waitSet = this.host.doors.waitSetOpen();
    if (this.waitSet < 0) fail(`${this.settings.name}: waitSetOpen answered ${this.waitSet}`);
    this.sleep();
    this.afterStack();
  }

  /** Ends the application's wait set. */
  powerOff(): void {
    this.run(() => this.expectZero("waitSetClose", this.host.doors.waitSetClose(this.waitSet)));
    this.waitSet = -1;
  }

  /**
   * Runs a part of the application now: every call of the stack from outside its handlers goes through here.
   */
  run(work: () => void): void {
    this.setClock();
    work();
    this.afterStack();
  }

  /** Runs a part of the application in `delay` microseconds. */
  later(delay: number, work: () => void): void {
    this.events.after(delay, () => this.run(work));
  }

  /** A frame arrived from the network. */
  frameArrived(frame: Uint8Array): void {
    this.arrived.push(frame);
    if (this.interruptPending) return;
    this.interruptPending = true;
    this.events.after(this.settings.nic.coalesce, () => this.interrupt());
  }

  /** Watches a socket with EPOLL* bits; answers the key for modify() and forget(). */
  watch(handle: number, events: number, handler: ReadyHandler): number {
    const key = this.nextKey++;
    this.handlers.set(key, handler);
    const done = this.host.doors.interestAdd(this.waitSet, handle, key, events | 0, BigInt(key));
    this.expectZero(`interestAdd (epoll_ctl ${EPOLL_CTL_ADD})`, done);
    return key;
  }

  /** Changes what a watched socket is watched for. */
  modify(key: number, handle: number, events: number): void {
    const done = this.host.doors.interestModify(this.waitSet, handle, key, events | 0, BigInt(key));
    this.expectZero("interestModify", done);
  }

  /**
   * The socket behind a key was closed, which ended the interest: its handler must not be called any more.
   */
  forget(key: number): void {
    this.handlers.delete(key);
  }

  /** connect(): 0 or -errno. */
  connect(handle: number, to: Address): number {
    this.host.setEndpoint(to);
    return this.host.doors.socketConnect(handle, this.host.now);
  }

  /** bind() to a port of the machine's address. */
  bind(handle: number, port: number): void {
    this.host.setEndpoint({ ip: this.ip, port });
    this.expectZero(`bind to port ${port}`, this.host.doors.socketBind(handle));
  }

  /** setsockopt() with the bytes of a value. */
  setOption(handle: number, level: number, name: number, value: Uint8Array): void {
    this.host.bytes(layout.CALL_OPTION, value.length).set(value);
    const done = this.host.doors.socketOptionSet(handle, level, name, value.length, this.host.now);
    this.expectZero(`setsockopt(${level}, ${name})`, done);
  }

  /** setsockopt() with an int or a text. */
  setValue(handle: number, level: number, name: number, value: number | string): void {
    if (typeof value === "string") {
      this.setOption(handle, level, name, Buffer.from(value));
      return;
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value, true);
    this.setOption(handle, level, name, bytes);
  }

  /** The local address of a socket. */
  localAddress(handle: number): Address {
    this.expectZero("getsockname", this.host.doors.socketName(handle, 0));
    return this.host.endpoint();
  }

  private expectZero(what: string, answer: number): void {
    if (answer !== 0) fail(`${this.settings.name}: ${what} answered ${answer}`);
  }

  private setClock(): void {
    this.host.now = BigInt(this.events.now + this.settings.clockOffset);
  }

  private interrupt(): void {
    this.interruptPending = false;
    this.setClock();
    const { host, settings } = this;
    while (this.arrived.length > 0) {
      const burst = this.arrived.splice(0, layout.RX_BURST);
      host.receiveBurst(burst.map((frame) => receivedFrame(frame, host, settings.nic)));
    }
    this.afterStack();
  }

  /** Whatever entered the stack: timers that are due, output, wake-ups, and when it wants to run again. */
  private afterStack(): void {
    for (let round = 0; ; round++) {
      if (this.deadline() <= this.events.now) this.host.doors.tick(this.host.now);
      this.drain();
      if (this.deadline() > this.events.now) break;
      if (round === TICKS_IN_ONE_MOMENT_MAX) fail(`${this.settings.name}: there is always a timer due`);
    }
    this.collectWakes();
    const deadline = this.deadline();
    if (deadline < this.deadlineAt) {
      this.deadlineAt = deadline;
      this.events.at(deadline, () => this.timerInterrupt(deadline));
    }
  }

  private timerInterrupt(deadline: number): void {
    if (deadline !== this.deadlineAt) return;
    this.deadlineAt = Number.POSITIVE_INFINITY;
    this.setClock();
    this.afterStack();
  }

  /** The stack's next deadline in virtual time. */
  private deadline(): number {
    const at = this.host.nextDeadline();
    if (at === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, Number(at) - this.settings.clockOffset);
  }

  private drain(): void {
    const egress = this.egress;
    if (egress === undefined) return;
    const { host, settings } = this;
    const limit = settings.nic.txBusyMax;
    for (;;) {
      const ahead = egress.busyUntil() - this.events.now;
      if (ahead > limit) {
        this.drainLater(ahead - limit);
        return;
      }
      const frames = host.transmitSome(
        limit === Number.POSITIVE_INFINITY ? layout.TX_RING : FRAMES_PER_DRAIN,
      );
      if (frames.length === 0) return;
      for (const frame of frames) {
        for (const bytes of wireFrames(frame, host, settings.nic, settings.mtu)) {
          this.sent(this, bytes, egress.send(bytes));
        }
      }
    }
  }

  private drainLater(delay: number): void {
    if (this.drainPending) return;
    this.drainPending = true;
    this.events.after(Math.ceil(delay), () => {
      this.drainPending = false;
      this.setClock();
      this.afterStack();
    });
  }

  private collectWakes(): void {
    for (;;) {
      const count = this.host.doors.takeWakes();
      for (let i = 0; i < count; i++) {
        const id = this.host.view().getInt32(layout.CALL_WAKE + 4 * i, true);
        if (id !== this.waitSet) fail(`${this.settings.name}: wake-up for wait set ${id}, which is not ours`);
        if (!this.turnPending) {
          this.turnPending = true;
          this.events.after(this.settings.wakeDelay, () => this.turn());
        }
      }
      if (count < layout.CALL_WAKES) return;
    }
  }

  /** The application is awake: it handles what is ready until nothing is, and sleeps again. */
  private turn(): void {
    this.turnPending = false;
    if (this.waitSet < 0) return;
    this.setClock();
    this.expectZero("waitSetWake", this.host.doors.waitSetWake(this.waitSet));
    this.sleep();
    this.afterStack();
  }

  /** Harvests until the wait set lets us sleep. */
  private sleep(): void {
    const doors = this.host.doors;
    for (let round = 0; round < HARVESTS_PER_TURN_MAX; round++) {
      const count = doors.waitSetHarvest(this.waitSet, HARVEST_MAX);
      if (count < 0) fail(`${this.settings.name}: waitSetHarvest answered ${count}`);
      if (count === 0 && doors.waitSetSleep(this.waitSet) === 0) return;
      const ready = Array.from({ length: count }, (_, i) => {
        const at = layout.CALL_EVENT + i * layout.EVENT_SIZE;
        const view = this.host.view();
        return {
          key: view.getUint32(at + layout.EVENT_DATA, true),
          events: view.getUint32(at + layout.EVENT_EVENTS, true),
        };
      });
      for (const { key, events } of ready) this.handlers.get(key)?.(events);
    }
    fail(`${this.settings.name}: the application spins: events are reported without end`);
  }
}

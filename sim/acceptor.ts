import { EAGAIN, EPOLLIN, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET } from "../build/generated/node/system.js";
import { fail } from "./failure.js";
import type { Address } from "./host.js";
import type { Machine } from "./machine.js";
import type { SocketOption, StreamEnd } from "./stream-end.js";

/** How a server accepts. */
export interface AcceptorPlan {
  port: number;
  backlog: number;
  /** Pause after each accept, in microseconds; 0: all that wait are accepted at once. */
  pause: number;
  options: readonly SocketOption[];
}

function keyOf(address: Address): string {
  return `${address.ip}:${address.port}`;
}

/** A listening socket: hands every connection to the end that was announced for its peer. */
export class Acceptor {
  private handle = -1;
  private key = 0;
  private paused = false;
  private readonly expected = new Map<string, StreamEnd>();
  /** Connections of peers that nobody announced; they are closed at once. */
  strangers = 0;

  constructor(
    readonly machine: Machine,
    readonly plan: AcceptorPlan,
  ) {}

  /** bind() and listen(). */
  open(): void {
    const { machine, plan } = this;
    const doors = machine.host.doors;
    this.handle = doors.socketOpen(4, SOCK_STREAM);
    if (this.handle < 0) fail(`no socket for a listener: ${this.handle}`);
    machine.setValue(this.handle, SOL_SOCKET, SO_REUSEADDR, 1);
    for (const { level, name, value } of plan.options) machine.setValue(this.handle, level, name, value);
    machine.bind(this.handle, plan.port);
    const done = doors.socketListen(this.handle, plan.backlog);
    if (done !== 0) fail(`listen on port ${plan.port} answered ${done}`);
    this.key = machine.watch(this.handle, EPOLLIN, () => this.accept());
  }

  /** The next connection from `peer` belongs to `end`. */
  announce(peer: Address, end: StreamEnd): void {
    this.expected.set(keyOf(peer), end);
  }

  /** Where clients connect to. */
  address(): Address {
    return { ip: this.machine.ip, port: this.plan.port };
  }

  close(): void {
    if (this.handle < 0) return;
    this.machine.forget(this.key);
    const done = this.machine.host.doors.socketClose(this.handle, this.machine.host.now);
    if (done !== 0) fail(`close of a listener answered ${done}`);
    this.handle = -1;
  }

  private accept(): void {
    const { machine, plan } = this;
    while (this.handle >= 0 && !this.paused) {
      const handle = machine.host.doors.socketAccept(this.handle, machine.host.now);
      if (handle === -EAGAIN) return;
      if (handle < 0) fail(`accept on port ${plan.port} answered ${handle}`);
      const peer = keyOf(machine.host.endpoint());
      if (plan.pause > 0) this.pauseAccepting();
      const end = this.expected.get(peer);
      this.expected.delete(peer);
      if (end === undefined || end.outcome !== undefined) {
        this.strangers++;
        machine.host.doors.socketClose(handle, machine.host.now);
      } else {
        end.adopt(handle);
      }
    }
  }

  private pauseAccepting(): void {
    this.paused = true;
    this.machine.modify(this.key, this.handle, 0);
    this.machine.later(this.plan.pause, () => {
      this.paused = false;
      if (this.handle >= 0) this.machine.modify(this.key, this.handle, EPOLLIN);
    });
  }
}

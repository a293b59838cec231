import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";

/** What epoll(7) promises, written down as simply as possible: what a wait set is compared with. */

export interface ModelSocket {
  handle: number;
  queued: number;
  error: boolean;
}

export interface ModelInterest {
  socket: ModelSocket;
  fd: number;
  events: number;
  data: bigint;
}

export interface ModelSet {
  id: number;
  interests: ModelInterest[];
  ready: ModelInterest[];
  sleepers: number;
  listed: boolean;
}

const PRIVATE = (system.EPOLLET | system.EPOLLONESHOT | system.EPOLLEXCLUSIVE | system.EPOLLWAKEUP) >>> 0;
const READ = system.EPOLLIN | system.EPOLLRDNORM;
const WRITE = system.EPOLLOUT | system.EPOLLWRNORM;
const ALWAYS = system.EPOLLERR | system.EPOLLHUP;

export function readiness(socket: ModelSocket): number {
  return WRITE | (socket.queued > 0 ? READ : 0) | (socket.error ? system.EPOLLERR : 0);
}

export class Model {
  sockets: ModelSocket[] = [];
  sets: ModelSet[] = [];

  private find(set: ModelSet, socket: ModelSocket, fd: number): ModelInterest | undefined {
    return set.interests.find((interest) => interest.socket === socket && interest.fd === fd);
  }

  private queue(set: ModelSet, interest: ModelInterest): void {
    if (!set.ready.includes(interest)) set.ready.push(interest);
  }

  private examine(set: ModelSet, interest: ModelInterest): void {
    if ((readiness(interest.socket) & interest.events) === 0) return;
    this.queue(set, interest);
    if (set.sleepers > 0) set.listed = true;
  }

  add(set: ModelSet, socket: ModelSocket, fd: number, events: number, data: bigint): number {
    if (events & system.EPOLLEXCLUSIVE) {
      const allowed = system.EPOLLIN | system.EPOLLOUT | ALWAYS | PRIVATE;
      if (events & (~allowed | system.EPOLLONESHOT)) return -system.EINVAL;
    }
    if (this.find(set, socket, fd)) return -system.EEXIST;
    const interest = { socket, fd, events: (events | ALWAYS) >>> 0, data };
    set.interests.push(interest);
    this.examine(set, interest);
    return 0;
  }

  modify(set: ModelSet, socket: ModelSocket, fd: number, events: number, data: bigint): number {
    if (events & system.EPOLLEXCLUSIVE) return -system.EINVAL;
    const interest = this.find(set, socket, fd);
    if (!interest) return -system.ENOENT;
    if (interest.events & system.EPOLLEXCLUSIVE) return -system.EINVAL;
    interest.events = (events | ALWAYS) >>> 0;
    interest.data = data;
    this.examine(set, interest);
    return 0;
  }

  remove(set: ModelSet, socket: ModelSocket, fd: number): number {
    const interest = this.find(set, socket, fd);
    if (!interest) return -system.ENOENT;
    this.forget(set, interest);
    return 0;
  }

  private forget(set: ModelSet, interest: ModelInterest): void {
    set.interests = set.interests.filter((other) => other !== interest);
    set.ready = set.ready.filter((other) => other !== interest);
  }

  closeSocket(socket: ModelSocket): void {
    this.sockets = this.sockets.filter((other) => other !== socket);
    for (const set of this.sets) {
      for (const interest of [...set.interests]) if (interest.socket === socket) this.forget(set, interest);
    }
  }

  closeSet(set: ModelSet): void {
    this.sets = this.sets.filter((other) => other !== set);
  }

  /**
   * Something happened to a socket. Sets that are woken only by an exclusive interest are "may": one of them
   * must be.
   */
  notify(socket: ModelSocket, events: number): { must: ModelSet[]; may: ModelSet[] } {
    const happened = events | (events & READ ? READ : 0) | (events & WRITE ? WRITE : 0);
    const must: ModelSet[] = [];
    const may: ModelSet[] = [];
    for (const set of this.sets) {
      // The interest that came last hears of an event first, as in Linux.
      for (const interest of [...set.interests].reverse()) {
        if (interest.socket !== socket || (interest.events & ~PRIVATE & happened) === 0) continue;
        this.queue(set, interest);
        if (set.sleepers > 0) (interest.events & system.EPOLLEXCLUSIVE ? may : must).push(set);
      }
    }
    for (const set of must) set.listed = true;
    return { must, may };
  }

  harvest(set: ModelSet, most: number): { data: bigint; events: number; fd: number }[] {
    const events: { data: bigint; events: number; fd: number }[] = [];
    for (const interest of [...set.ready]) {
      if (events.length === most) break;
      set.ready.splice(set.ready.indexOf(interest), 1);
      const now = (readiness(interest.socket) & interest.events) >>> 0;
      if (now === 0) continue;
      events.push({ data: interest.data, events: now, fd: this.told(interest) });
      if (interest.events & system.EPOLLONESHOT) interest.events = (interest.events & PRIVATE) >>> 0;
      else if (!(interest.events & system.EPOLLET)) set.ready.push(interest);
    }
    if (set.ready.length > 0 && set.sleepers > 0) set.listed = true;
    return events;
  }

  /** A one-shot interest says that it is spent. */
  private told({ fd, events }: ModelInterest): number {
    return (events & system.EPOLLONESHOT ? fd | layout.READY_SPENT : fd) >>> 0;
  }

  /** Ids of the sets to be woken; they are not listed any more. */
  wakes(): number[] {
    const listed = this.sets.filter((set) => set.listed);
    for (const set of listed) set.listed = false;
    return listed.filter((set) => set.sleepers > 0).map((set) => set.id);
  }
}

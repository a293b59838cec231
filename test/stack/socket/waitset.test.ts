import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";
import { POOL, SocketRoom } from "../support/socket-room.js";
import { Model, type ModelSet, type ModelSocket } from "./waitset-model.js";

const PEER = { ip: "10.0.0.2", port: 9 };
const BYTE = new Uint8Array(1);
let room: SocketRoom;

before(async () => {
  room = await SocketRoom.open();
});

beforeEach(() => room.restart());

const datagramSocket = () => room.call("socketOpen", 4, system.SOCK_DGRAM);
const add = (set: number, socket: number, fd: number, events: number, data = BigInt(fd)) =>
  room.call("interestAdd", set, socket, fd, events, data);
const fds = (set: number, most = 64) => room.harvest(set, most).map((event) => Number(event.data));

describe("wait sets", () => {
  it("report a socket that was ready before it was added", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    room.deliver(socket, BYTE, PEER);
    assert.equal(add(set, socket, 5, system.EPOLLIN, 0xffff_ffff_ffff_fff0n), 0);
    assert.deepEqual(room.harvest(set, 8), [{ data: 0xffff_ffff_ffff_fff0n, events: system.EPOLLIN, fd: 5 }]);
  });

  it("report level-triggered readiness until it is gone", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, system.EPOLLIN);
    assert.deepEqual(fds(set), []);
    room.deliver(socket, BYTE, PEER);
    for (let i = 0; i < 3; i++) assert.deepEqual(fds(set), [5]);
    room.receive(socket, 1);
    assert.deepEqual(fds(set), []);
  });

  it("report an edge once, and again for every arrival", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, (system.EPOLLIN | system.EPOLLET) >>> 0);
    for (let i = 0; i < 3; i++) {
      room.deliver(socket, BYTE, PEER);
      assert.deepEqual(fds(set), [5]);
      assert.deepEqual(fds(set), []);
    }
  });

  it("disarm a one-shot, errors included, until it is modified", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, system.EPOLLIN | system.EPOLLONESHOT);
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(fds(set), [5]);
    room.deliver(socket, BYTE, PEER);
    room.call("fail", socket, system.ECONNREFUSED);
    assert.deepEqual(fds(set), []);
    assert.equal(room.call("interestModify", set, socket, 5, system.EPOLLIN | system.EPOLLONESHOT, 6n), 0);
    assert.deepEqual(room.harvest(set, 8), [
      { data: 6n, events: system.EPOLLIN | system.EPOLLERR, fd: 5 + layout.READY_SPENT },
    ]);
  });

  it("look at readiness anew when an interest is modified", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, (system.EPOLLIN | system.EPOLLET) >>> 0);
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(fds(set), [5]);
    assert.deepEqual(fds(set), []);
    room.call("interestModify", set, socket, 5, (system.EPOLLIN | system.EPOLLET) >>> 0, 5n);
    assert.deepEqual(fds(set), [5]);
  });

  it("always report errors, whatever is wanted", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, 0);
    room.call("fail", socket, system.EHOSTUNREACH);
    assert.deepEqual(room.harvest(set, 8), [{ data: 5n, events: system.EPOLLERR, fd: 5 }]);
    assert.equal(room.call("socketError", socket), system.EHOSTUNREACH);
    assert.deepEqual(fds(set), []);
  });

  it("give every ready socket its turn when there are more than fit", () => {
    const set = room.call("waitSetOpen");
    const sockets = Array.from({ length: 10 }, datagramSocket);
    sockets.forEach((socket, fd) => {
      add(set, socket, fd, system.EPOLLIN);
      room.deliver(socket, BYTE, PEER);
    });
    assert.deepEqual(fds(set, 4), [0, 1, 2, 3]);
    assert.deepEqual(fds(set, 4), [4, 5, 6, 7]);
    assert.deepEqual(fds(set, 4), [8, 9, 0, 1]);
  });

  it("know a socket under several descriptors, and in several sets", () => {
    const sets = [room.call("waitSetOpen"), room.call("waitSetOpen")];
    const socket = datagramSocket();
    for (const set of sets) {
      assert.equal(add(set, socket, 5, system.EPOLLIN), 0);
      assert.equal(add(set, socket, 6, system.EPOLLIN), 0);
      assert.equal(add(set, socket, 6, system.EPOLLIN), -system.EEXIST);
    }
    room.deliver(socket, BYTE, PEER);
    // The interest that came last hears of an event first, as in Linux.
    for (const set of sets) assert.deepEqual(fds(set), [6, 5]);
    assert.equal(room.call("interestRemove", sets[0] as number, socket, 5), 0);
    assert.equal(room.call("interestRemove", sets[0] as number, socket, 5), -system.ENOENT);
    assert.deepEqual(fds(sets[0] as number), [6]);
    assert.deepEqual(fds(sets[1] as number), [6, 5]);
  });

  it("forget a socket that is closed, and give everything back", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, system.EPOLLIN);
    add(set, socket, 6, system.EPOLLOUT);
    room.call("socketClose", socket, room.now);
    assert.deepEqual(fds(set), []);
    assert.equal(room.used(POOL.interest), 0);
    const other = datagramSocket();
    add(set, other, 5, system.EPOLLIN);
    assert.equal(room.call("waitSetClose", set), 0);
    assert.equal(room.call("waitSetClose", set), -system.EBADF);
    assert.equal(room.call("waitSetHarvest", set, 1), -system.EBADF);
    assert.equal(room.used(POOL.interest), 0);
    assert.equal(room.used(POOL.waitSet), 0);
  });

  it("refuse stale sockets and sets", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    room.call("socketClose", socket, room.now);
    assert.equal(add(set, socket, 5, system.EPOLLIN), -system.EBADF);
    assert.equal(add(set + 1, datagramSocket(), 5, system.EPOLLIN), -system.EBADF);
    assert.equal(add(-1, datagramSocket(), 5, system.EPOLLIN), -system.EBADF);
  });

  it("answer -ENOMEM when pools are exhausted, and go on when something is given back", () => {
    const socket = datagramSocket();
    const set = room.call("waitSetOpen");
    const interests = room.call("capacity", POOL.interest);
    for (let fd = 0; fd < interests; fd++) assert.equal(add(set, socket, fd, 0), 0);
    assert.equal(add(set, socket, interests, 0), -system.ENOMEM);
    assert.equal(room.call("interestRemove", set, socket, 0), 0);
    assert.equal(add(set, socket, interests, 0), 0);
    const sets = [set];
    for (let id = room.call("waitSetOpen"); id >= 0; id = room.call("waitSetOpen")) sets.push(id);
    assert.equal(sets.length, room.call("capacity", POOL.waitSet));
    assert.equal(room.call("waitSetOpen"), -system.ENOMEM);
  });

  it("follow epoll_ctl(2) in what EPOLLEXCLUSIVE allows", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    const exclusive = system.EPOLLEXCLUSIVE;
    assert.equal(add(set, socket, 5, system.EPOLLIN | system.EPOLLRDHUP | exclusive), -system.EINVAL);
    assert.equal(add(set, socket, 5, system.EPOLLIN | system.EPOLLONESHOT | exclusive), -system.EINVAL);
    assert.equal(add(set, socket, 5, (system.EPOLLIN | system.EPOLLET | exclusive) >>> 0), 0);
    assert.equal(room.call("interestModify", set, socket, 5, system.EPOLLIN, 0n), -system.EINVAL);
    assert.equal(room.call("interestModify", set, socket, 5, exclusive, 0n), -system.EINVAL);
  });
});

describe("sleepers", () => {
  it("are woken when something becomes ready, and not otherwise", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, system.EPOLLIN);
    assert.equal(room.call("waitSetSleep", set), 0);
    room.call("notify", socket, system.EPOLLOUT);
    assert.deepEqual(room.wakes(), []);
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(room.wakes(), [set]);
    assert.deepEqual(room.wakes(), []);
    room.call("waitSetWake", set);
    assert.deepEqual(fds(set), [5]);
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(room.wakes(), []);
  });

  it("are not let to sleep over something that is ready", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, system.EPOLLIN);
    room.deliver(socket, BYTE, PEER);
    assert.equal(room.call("waitSetSleep", set), 1);
    assert.deepEqual(fds(set), [5]);
  });

  it("hand a wake-up on when they leave without harvesting", () => {
    const set = room.call("waitSetOpen");
    const socket = datagramSocket();
    add(set, socket, 5, (system.EPOLLIN | system.EPOLLET) >>> 0);
    room.call("waitSetSleep", set);
    room.call("waitSetSleep", set);
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(room.wakes(), [set]);
    room.call("waitSetWake", set);
    room.call("waitSetPass", set);
    assert.deepEqual(room.wakes(), [set]);
    room.call("waitSetWake", set);
    assert.deepEqual(fds(set), [5]);
  });

  it("are woken one for an event of a socket that all share exclusively, all for one they share", () => {
    for (const [flag, woken] of [
      [system.EPOLLEXCLUSIVE, 1],
      [0, 4],
    ] as const) {
      const socket = datagramSocket();
      const sets = Array.from({ length: 4 }, () => room.call("waitSetOpen"));
      for (const set of sets) {
        add(set, socket, 5, system.EPOLLIN | flag);
        room.call("waitSetSleep", set);
      }
      room.deliver(socket, BYTE, PEER);
      assert.equal(room.wakes().length, woken);
      for (const set of sets) {
        room.call("waitSetWake", set);
        assert.deepEqual(fds(set), [5]);
      }
    }
  });

  it("are all named, however many sets there are", () => {
    const socket = datagramSocket();
    const sets = Array.from({ length: layout.CALL_WAKES / 2 }, () => room.call("waitSetOpen"));
    for (const set of sets) {
      add(set, socket, 5, system.EPOLLIN);
      room.call("waitSetSleep", set);
    }
    room.deliver(socket, BYTE, PEER);
    assert.deepEqual(new Set(room.wakes()), new Set(sets));
  });
});

/** A small generator, so that a failure can be repeated from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const EVENT_CHOICES = [
  0,
  system.EPOLLIN,
  system.EPOLLOUT,
  system.EPOLLIN | system.EPOLLOUT,
  system.EPOLLIN | system.EPOLLONESHOT,
  (system.EPOLLIN | system.EPOLLET) >>> 0,
  (system.EPOLLIN | system.EPOLLOUT | system.EPOLLET) >>> 0,
  (system.EPOLLOUT | system.EPOLLET | system.EPOLLONESHOT) >>> 0,
  system.EPOLLRDNORM | system.EPOLLRDHUP,
  system.EPOLLIN | system.EPOLLEXCLUSIVE,
  (system.EPOLLIN | system.EPOLLET | system.EPOLLEXCLUSIVE) >>> 0,
  system.EPOLLIN | system.EPOLLEXCLUSIVE | system.EPOLLONESHOT,
];

/** Drives the stack and the model through the same random operations. */
class Comparison {
  readonly model = new Model();
  private serial = 0n;

  constructor(private readonly random: (below: number) => number) {}

  private pick<T>(from: readonly T[]): T {
    return from[this.random(from.length)] as T;
  }

  private openSocket(): void {
    if (this.model.sockets.length < 8) {
      this.model.sockets.push({ handle: datagramSocket(), queued: 0, error: false });
    }
  }

  private openSet(): void {
    if (this.model.sets.length >= 4) return;
    const id = room.call("waitSetOpen");
    this.model.sets.push({ id, interests: [], ready: [], sleepers: 0, listed: false });
  }

  private control(set: ModelSet, socket: ModelSocket): void {
    const fd = this.random(3);
    const events = this.pick(EVENT_CHOICES);
    const data = ++this.serial;
    const kind = this.random(3);
    if (kind === 0) {
      assert.equal(
        add(set.id, socket.handle, fd, events, data),
        this.model.add(set, socket, fd, events, data),
      );
    } else if (kind === 1) {
      const result = room.call("interestModify", set.id, socket.handle, fd, events, data);
      assert.equal(result, this.model.modify(set, socket, fd, events, data));
    } else {
      const result = room.call("interestRemove", set.id, socket.handle, fd);
      assert.equal(result, this.model.remove(set, socket, fd));
    }
  }

  /** Wakes have to be taken at once: which of the exclusive ones is woken is the stack's choice. */
  private happened(socket: ModelSocket, events: number): void {
    const earlier = new Set(this.model.wakes());
    const { may } = this.model.notify(socket, events);
    const must = new Set([...this.model.wakes(), ...earlier]);
    const woken = room.wakes();
    for (const id of must) assert.ok(woken.includes(id), `set ${id} must be woken`);
    const optional = new Set(may.map((set) => set.id));
    const extra = woken.filter((id) => !must.has(id));
    assert.ok(extra.length <= 1 && extra.every((id) => optional.has(id)), "woken without need");
    if (optional.size > 0)
      assert.ok(
        woken.some((id) => optional.has(id)),
        "nobody was woken",
      );
  }

  private event(socket: ModelSocket): void {
    const kind = this.random(4);
    if (kind === 0) {
      assert.ok(room.deliver(socket.handle, BYTE, PEER));
      socket.queued++;
      this.happened(socket, system.EPOLLIN);
    } else if (kind === 1) {
      room.call("fail", socket.handle, system.ECONNREFUSED);
      socket.error = true;
      this.happened(socket, system.EPOLLERR);
    } else if (kind === 2) {
      assert.equal(room.call("socketError", socket.handle), socket.error ? system.ECONNREFUSED : 0);
      socket.error = false;
    } else if (socket.error) {
      assert.equal(room.receive(socket.handle, 1), -system.ECONNREFUSED);
      socket.error = false;
    } else if (socket.queued > 0) {
      assert.deepEqual(room.receive(socket.handle, 1), BYTE);
      socket.queued--;
    } else assert.equal(room.receive(socket.handle, 1), -system.EAGAIN);
  }

  private wait(set: ModelSet): void {
    const kind = this.random(4);
    if (kind === 0) {
      const result = room.call("waitSetSleep", set.id);
      assert.equal(result, set.ready.length > 0 ? 1 : 0);
      if (result === 0) set.sleepers++;
    } else if (kind === 1) {
      room.call("waitSetWake", set.id);
      set.sleepers = Math.max(0, set.sleepers - 1);
    } else {
      const most = 1 + this.random(5);
      assert.deepEqual(room.harvest(set.id, most), this.model.harvest(set, most));
    }
  }

  step(): void {
    const socket = this.pick(this.model.sockets);
    const set = this.pick(this.model.sets);
    const kind = this.random(100);
    if (socket === undefined || kind < 3) this.openSocket();
    else if (set === undefined || kind < 5) this.openSet();
    else if (kind < 6) {
      room.call("socketClose", socket.handle, room.now);
      this.model.closeSocket(socket);
    } else if (kind < 7) {
      room.call("waitSetClose", set.id);
      this.model.closeSet(set);
    } else if (kind < 40) this.control(set, socket);
    else if (kind < 70) this.event(socket);
    else if (kind < 95) this.wait(set);
    else assert.deepEqual(room.wakes().sort(), this.model.wakes().sort());
  }

  /** Everything is given back in the end. */
  finish(): void {
    for (const socket of this.model.sockets) room.call("socketClose", socket.handle, room.now);
    for (const set of this.model.sets) room.call("waitSetClose", set.id);
    for (const pool of [POOL.socket, POOL.interest, POOL.waitSet, POOL.buffer])
      assert.equal(room.used(pool), 0);
  }
}

describe("wait sets against the model of epoll", () => {
  for (let seed = 1; seed <= 20; seed++) {
    it(`agree through 2,000 random operations, seed ${seed}`, () => {
      const comparison = new Comparison(randomFrom(seed));
      for (let i = 0; i < 2000; i++) comparison.step();
      comparison.finish();
    });
  }
});

/** Wait sets that are watched by others, as epoll instances in epoll instances are. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";
import { Pair } from "../support/pair.js";

const READY = system.EPOLLIN | system.EPOLLRDNORM;

function setup() {
  const pair = new Pair();
  const host = pair.hosts[0];
  const to = host.doors.socketOpen(4, system.SOCK_DGRAM);
  host.setEndpoint({ ip: "10.0.0.1", port: 7000 });
  assert.equal(host.doors.socketBind(to), 0);
  const from = pair.hosts[1].doors.socketOpen(4, system.SOCK_DGRAM);
  const send = () => {
    pair.hosts[1].setEndpoint({ ip: "10.0.0.1", port: 7000 });
    assert.equal(pair.hosts[1].send(from, new Uint8Array(1)), 1);
    pair.settle();
  };
  return { host, to, send, sockets: () => host.poolUsed(layout.POOL_ID_SOCKET) };
}

describe("wait sets in wait sets", () => {
  it("are readable while something in them is ready, and wake who sleeps above", () => {
    const { host, to, send } = setup();
    const inner = host.doors.waitSetOpen();
    const outer = host.doors.waitSetOpen();
    const face = host.doors.waitSetFace(inner);
    assert.equal(host.doors.waitSetFace(inner), face);
    assert.equal(host.doors.interestAdd(inner, to, 3, system.EPOLLIN, 0n), 0);
    assert.equal(host.doors.interestAdd(outer, face, 4, system.EPOLLIN, 0n), 0);
    assert.equal(host.doors.socketReady(face), 0);
    assert.equal(host.doors.waitSetSleep(outer), 0);
    send();
    assert.equal(host.doors.takeWakes(), 1);
    assert.equal(host.view().getInt32(layout.CALL_WAKE, true), outer);
    assert.equal(host.doors.waitSetHarvest(outer, 8), 1);
    assert.equal(host.view().getUint32(layout.CALL_EVENT + layout.EVENT_EVENTS, true), system.EPOLLIN);
    assert.equal(host.doors.socketReady(face), READY);
    assert.equal((host.recv(to, 8) as Uint8Array).length, 1);
    assert.equal(host.doors.waitSetHarvest(outer, 8), 0);
    assert.equal(host.doors.socketReady(face), 0);
  });

  it("that end are watched no more", () => {
    const { host, to, send, sockets } = setup();
    const before = sockets();
    const inner = host.doors.waitSetOpen();
    const outer = host.doors.waitSetOpen();
    const face = host.doors.waitSetFace(inner);
    assert.equal(sockets(), before + 1);
    assert.equal(host.doors.interestAdd(inner, to, 3, system.EPOLLIN, 0n), 0);
    assert.equal(host.doors.interestAdd(outer, face, 4, system.EPOLLIN, 0n), 0);
    send();
    assert.equal(host.doors.waitSetClose(inner), 0);
    assert.equal(host.doors.waitSetHarvest(outer, 8), 0);
    assert.equal(host.doors.interestRemove(outer, face, 4), -system.EBADF);
    assert.equal(sockets(), before);
    assert.equal(host.poolUsed(layout.POOL_ID_INTEREST), 0);
  });

  it("never watch themselves, however long the way", () => {
    const { host } = setup();
    const sets = Array.from({ length: 4 }, () => host.doors.waitSetOpen());
    const faces = sets.map((id) => host.doors.waitSetFace(id));
    const watch = (outer: number, inner: number) =>
      host.doors.interestAdd(sets[outer] as number, faces[inner] as number, inner, system.EPOLLIN, 0n);
    assert.equal(watch(0, 0), -system.ELOOP);
    for (let i = 1; i < sets.length; i++) assert.equal(watch(i, i - 1), 0);
    for (let i = 1; i < sets.length; i++) assert.equal(watch(0, i), -system.ELOOP);
    assert.equal(watch(3, 0), 0, "two ways up are no loop");
  });
});

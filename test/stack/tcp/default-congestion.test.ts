import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EINVAL, IPPROTO_TCP, SOCK_STREAM, TCP_CONGESTION } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";

/** What TCP_CONGESTION says of a new socket. */
function controlOfNewSocket(host: StackHost): string {
  const socket = host.doors.socketOpen(4, SOCK_STREAM);
  const length = host.doors.socketOptionGet(socket, IPPROTO_TCP, TCP_CONGESTION, 16, host.now);
  const text = Buffer.from(host.bytes(layout.CALL_OPTION, length)).toString("latin1");
  return text.slice(0, text.indexOf("\0"));
}

describe("congestion control of new sockets", () => {
  it("is CUBIC until another one is chosen", () => {
    const host = new StackHost();
    assert.equal(controlOfNewSocket(host), "cubic");
    assert.equal(host.doors.congestionControlSet(1), 0);
    assert.equal(controlOfNewSocket(host), "reno");
    assert.equal(host.doors.congestionControlSet(0), 0);
    assert.equal(controlOfNewSocket(host), "cubic");
  });

  it("does not change for a number that names none", () => {
    const host = new StackHost();
    host.doors.congestionControlSet(1);
    assert.equal(host.doors.congestionControlSet(2), -EINVAL);
    assert.equal(controlOfNewSocket(host), "reno");
  });
});

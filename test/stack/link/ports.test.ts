import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EBUSY, EINVAL } from "../../../build/generated/node/system.js";
import { PEER } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MAC = 0x0900_0000_0002n;

describe("several ports in a stack", () => {
  it("gives numbers of closed ports again, and no more than there are", () => {
    const { host } = new TcpPeer().lan;
    const open = () => host.doors.portOpen(0, 1500, MAC, 0);
    const ids = Array.from({ length: layout.PORTS_MAX - 1 }, open);
    assert.deepEqual(
      ids,
      ids.map((_, i) => i + 1),
    );
    assert.equal(open(), -1);
    for (const id of [3, 7]) assert.equal(host.doors.portClose(id, host.now), 0);
    assert.equal(host.doors.portClose(3, host.now), -EINVAL);
    assert.deepEqual([open(), open(), open()], [3, 7, -1]);
  });

  it("keeps a port that has an address of the stack", () => {
    const { host } = new TcpPeer().lan;
    assert.equal(host.doors.portClose(0, host.now), -EBUSY);
    assert.equal(host.doors.portClose(1, host.now), -EINVAL);
    assert.equal(host.doors.portClose(layout.PORTS_MAX, host.now), -EINVAL);
  });

  it("leaves connections of other ports alone", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    const { host } = peer.lan;
    const second = host.doors.portOpen(0, 576, MAC, 0);
    assert.equal(second, 1);
    assert.equal(host.doors.portClose(second, host.now), 0);
    peer.write(handle, 1460);
    peer.expect("PA", { data: 1460 });
    assert.equal(host.doors.socketName(handle, 1), 0);
    assert.equal(host.endpoint().ip, PEER);
  });
});

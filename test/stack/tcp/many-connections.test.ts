import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  EINPROGRESS,
  ENOBUFS,
  ENOMEM,
  SOCK_STREAM,
  SOMAXCONN,
} from "../../../build/generated/node/system.js";
import { POOL } from "../support/lan.js";
import { Pair } from "../support/pair.js";

// There is no fixed number of connections: the size of the region decides.

const SERVER = { ip: "10.0.0.2", port: 80 };
const MIB = 1 << 20;

/**
 * Opens connections until `wanted` are there or the client is refused; answers the client's and server's
 * handles.
 */
function connect(pair: Pair, wanted: number): { clients: number[]; servers: number[]; refusal: number } {
  const [client, server] = pair.hosts;
  const listener = server.doors.socketOpen(4, SOCK_STREAM);
  server.setEndpoint(SERVER);
  assert.equal(server.doors.socketBind(listener), 0);
  assert.equal(server.doors.socketListen(listener, SOMAXCONN), 0);
  const clients: number[] = [];
  const servers: number[] = [];
  for (let refusal = 0; clients.length < wanted; ) {
    const handle = client.doors.socketOpen(4, SOCK_STREAM);
    if (handle < 0) return { clients, servers, refusal: handle };
    client.setEndpoint(SERVER);
    refusal = client.doors.socketConnect(handle, client.now);
    if (refusal === -ENOBUFS || refusal === -ENOMEM) {
      client.doors.socketClose(handle, client.now);
      return { clients, servers, refusal };
    }
    clients.push(handle);
    if (clients.length % 50 !== 0 && clients.length !== wanted) continue;
    pair.settle();
    pair.log = [];
    for (;;) {
      const accepted = server.doors.socketAccept(listener, server.now);
      if (accepted < 0) break;
      servers.push(accepted);
    }
  }
  return { clients, servers, refusal: 0 };
}

describe("many connections", () => {
  it("holds 5,000 at once in 64 MiB, all of them alive", () => {
    const pair = new Pair({ size: 64 * MIB });
    const { clients, servers, refusal } = connect(pair, 5000);
    assert.equal(refusal, 0);
    assert.equal(servers.length, 5000);
    const [client, server] = pair.hosts;
    const question = new TextEncoder().encode("are you there?");
    for (let at = 0; at < clients.length; at += 100) {
      for (const handle of clients.slice(at, at + 100))
        assert.equal(client.send(handle, question), question.length);
      pair.settle();
      pair.log = [];
    }
    for (const handle of servers) assert.deepEqual(server.recv(handle, 100), question);
  });

  it("is refused cleanly when memory runs out, and goes on when there is some again", () => {
    const pair = new Pair({ size: 4 * MIB });
    const [client] = pair.hosts;
    const { clients, refusal } = connect(pair, 100_000);
    assert.ok(refusal < 0, "there is always an end");
    assert.ok(clients.length > 100, `only ${clients.length}`);
    const used = client.poolUsed(POOL.tcb);
    const gone = clients.pop() as number;
    assert.equal(client.doors.socketClose(gone, client.now), 0);
    pair.pass(200_000_000);
    assert.ok(client.poolUsed(POOL.tcb) < used);
    const again = client.doors.socketOpen(4, SOCK_STREAM);
    assert.ok(again >= 0);
    client.setEndpoint(SERVER);
    assert.equal(client.doors.socketConnect(again, client.now), -EINPROGRESS);
    client.doors.socketClose(again, client.now);
  });
});

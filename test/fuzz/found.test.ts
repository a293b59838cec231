/** What the fuzzer and the simulator once found, each as the few frames that it takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { EINPROGRESS, SO_RCVBUF, SOL_SOCKET } from "../../build/generated/node/system.js";
import { poolsInUse } from "../../sim/counters.js";
import { FuzzLan, localPort, must, openStream } from "../../sim/fuzz/lan.js";
import { address, recomputeChecksums } from "../../sim/fuzz/mutate.js";
import { TcpBit, write16, write32 } from "../../sim/wire/frame.js";

const PORT = 80;
const PEER_PORT = 4000;
const LONG = 300_000_000;
const IP_HEADER = 14;
const TCP_HEADER = 34;

/** A segment to the target without options. */
function segment(
  lan: FuzzLan,
  source: number,
  ports: [number, number],
  numbers: [number, number],
  flags: number,
) {
  const frame = new Uint8Array(54);
  address(frame, lan.target.host.mac, lan.peer.host.mac);
  write16(frame, 12, 0x0800);
  frame[IP_HEADER] = 0x45;
  write16(frame, IP_HEADER + 2, 40);
  frame[IP_HEADER + 8] = 64;
  frame[IP_HEADER + 9] = 6;
  write32(frame, IP_HEADER + 12, source);
  write32(frame, IP_HEADER + 16, lan.target.address);
  write16(frame, TCP_HEADER, ports[0]);
  write16(frame, TCP_HEADER + 2, ports[1]);
  write32(frame, TCP_HEADER + 4, numbers[0]);
  write32(frame, TCP_HEADER + 8, numbers[1]);
  frame[TCP_HEADER + 12] = 0x50;
  frame[TCP_HEADER + 13] = flags;
  write16(frame, TCP_HEADER + 14, 65535);
  assert.ok(recomputeChecksums(frame));
  return frame;
}

function inject(lan: FuzzLan, frame: Uint8Array): void {
  lan.target.host.receive([frame]);
  lan.pump();
}

function listen(lan: FuzzLan, receiveBuffer?: number): number {
  const { host } = lan.target;
  const listener = openStream(lan.target);
  if (receiveBuffer !== undefined) {
    host.view().setInt32(layout.CALL_OPTION, receiveBuffer, true);
    must("SO_RCVBUF", host.doors.socketOptionSet(listener, SOL_SOCKET, SO_RCVBUF, 4, host.now));
  }
  host.setEndpoint({ ip: lan.target.ip, port: PORT });
  must("bind", host.doors.socketBind(listener));
  must("listen", host.doors.socketListen(listener, 16));
  return listener;
}

for (const [who, source] of [
  ["a network without a route", 0xc0a80909],
  ["a neighbour that does not exist", 0x0a00004d],
] as const) {
  test(`SYNs from ${who} leave nothing behind`, () => {
    const lan = new FuzzLan(1n);
    listen(lan);
    for (let i = 0; i < 8; i++)
      inject(lan, segment(lan, source, [PEER_PORT + i, PORT], [1000, 0], TcpBit.syn));
    lan.advance(LONG);
    assert.deepEqual(poolsInUse(lan.target.host), { socket: 1 });
  });
}

test("a connection that is closed while its SYN is retransmitted in SYN_RECEIVED ends without a trap", () => {
  const lan = new FuzzLan(2n);
  const { host } = lan.target;
  const handle = openStream(lan.target);
  host.setEndpoint({ ip: lan.peer.ip, port: PEER_PORT });
  assert.equal(host.doors.socketConnect(handle, host.now), -EINPROGRESS);
  const port = localPort(lan.target, handle);
  lan.block(port, PEER_PORT, { toPeer: true, toTarget: true });
  lan.pump();
  inject(lan, segment(lan, lan.peer.address, [PEER_PORT, port], [5000, 0], TcpBit.syn));
  lan.advance(1_500_000);
  must("close", host.doors.socketClose(handle, host.now));
  lan.pump();
  lan.advance(LONG);
  assert.deepEqual(poolsInUse(host), {});
});

test("a connection goes on after a FIN that came into a closed window", () => {
  const lan = new FuzzLan(3n);
  const { host } = lan.target;
  const listener = listen(lan, 4096);
  lan.block(PORT, PEER_PORT, { toPeer: true, toTarget: true });
  const from = (sequence: number, acknowledgement: number, flags: number, payload = 0) => {
    const head = segment(lan, lan.peer.address, [PEER_PORT, PORT], [sequence, acknowledgement], flags);
    const frame = new Uint8Array(head.length + payload);
    frame.set(head);
    write16(frame, IP_HEADER + 2, 40 + payload);
    recomputeChecksums(frame);
    inject(lan, frame);
  };
  const { flow } = lan.flow(PORT, PEER_PORT);
  from(1000, 0, TcpBit.syn);
  // The first answer waits for ARP.
  lan.advance(10_000);
  from(1001, flow.sequence, TcpBit.ack);
  const handle = must("accept", host.doors.socketAccept(listener, host.now));
  for (let i = 0; i < 200; i++) {
    from(flow.acknowledgement, flow.sequence, TcpBit.ack, 1000);
    lan.advance(50_000);
  }
  const closedAt = flow.acknowledgement;
  from(closedAt, flow.sequence, TcpBit.ack | TcpBit.fin);
  lan.advance(50_000);
  assert.equal(flow.acknowledgement, closedAt + 1, "the FIN was not taken");
  must("send", host.send(handle, new Uint8Array(700)));
  lan.pump();
  from(flow.acknowledgement, flow.sequence, TcpBit.ack);
  assert.equal(host.doors.socketUnsent(handle), 0, "the ACK of the data was ignored");
});

test("data that found no neighbour is sent when the neighbour is back", () => {
  const lan = new FuzzLan(4n);
  const { target, peer } = lan;
  const listener = listen(lan);
  const pairs = [0, 1].map(() => {
    const client = openStream(peer);
    peer.host.setEndpoint({ ip: target.ip, port: PORT });
    assert.equal(peer.host.doors.socketConnect(client, peer.host.now), -EINPROGRESS);
    lan.pump();
    return { client, server: must("accept", target.host.doors.socketAccept(listener, target.host.now)) };
  });
  lan.unplugged.add(peer);
  // The first connection finds out that the neighbour is gone; the second one never gets a segment out.
  for (const { server } of pairs) {
    lan.advance(LONG);
    must("send", target.host.send(server, new Uint8Array(700)));
    lan.pump();
  }
  lan.advance(30_000_000);
  lan.unplugged.delete(peer);
  lan.advance(150_000_000);
  for (const [i, { client }] of pairs.entries()) {
    const received = peer.host.recv(client, 65536);
    assert.ok(typeof received !== "number", `recv of connection ${i} answered ${received}`);
    assert.equal(received.length, 700);
  }
});

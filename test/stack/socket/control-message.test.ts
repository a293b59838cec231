/** Control messages of datagrams, between two stacks: what sendmsg is told, and what recvmsg tells. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";
import type { StackHost } from "../../../sim/host.js";
import { Pair } from "../support/pair.js";

const PORT = 7000;
const { IPPROTO_IP, SOL_SOCKET } = system;

interface Message {
  level: number;
  type: number;
  data: Buffer;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function set(host: StackHost, handle: number, level: number, name: number, value = 1): void {
  host.bytes(layout.CALL_OPTION, 4).set(int(value));
  assert.equal(host.doors.socketOptionSet(handle, level, name, 4, host.now), 0);
}

/** The list as cmsg(3) lays it out. */
function encode(messages: Message[]): Buffer {
  const parts = messages.map(({ level, type, data }) => {
    const part = Buffer.alloc(Math.ceil((system.CONTROL_HEADER + data.length) / 8) * 8);
    part.writeUInt32LE(system.CONTROL_HEADER + data.length, system.CONTROL_LENGTH_AT);
    part.writeInt32LE(level, system.CONTROL_LEVEL_AT);
    part.writeInt32LE(type, system.CONTROL_TYPE_AT);
    data.copy(part, system.CONTROL_HEADER);
    return part;
  });
  return Buffer.concat(parts);
}

function decode(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + system.CONTROL_HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + system.CONTROL_LENGTH_AT);
    messages.push({
      level: bytes.readInt32LE(at + system.CONTROL_LEVEL_AT),
      type: bytes.readInt32LE(at + system.CONTROL_TYPE_AT),
      data: Buffer.from(bytes.subarray(at + system.CONTROL_HEADER, at + length)),
    });
    at += Math.ceil(length / 8) * 8;
  }
  return messages;
}

/** A datagram socket on each of two stacks; the first one's is bound to PORT. */
class Datagrams {
  readonly pair = new Pair();
  readonly first = this.pair.hosts[0];
  readonly second = this.pair.hosts[1];
  readonly to = this.first.doors.socketOpen(4, system.SOCK_DGRAM);
  readonly from = this.second.doors.socketOpen(4, system.SOCK_DGRAM);

  constructor() {
    this.first.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(this.first.doors.socketBind(this.to), 0);
  }

  send(messages: Message[] = [], ip = "10.0.0.1"): number {
    return this.sendBytes(encode(messages), ip);
  }

  sendBytes(control: Buffer, ip = "10.0.0.1"): number {
    this.second.setEndpoint({ ip, port: PORT });
    this.second.bytes(layout.CALL_CONTROL, control.length).set(control);
    this.second.view().setUint32(layout.CALL + layout.CALL_CONTROL_ROOM, control.length, true);
    const sent = this.second.send(this.from, new Uint8Array(3));
    this.pair.settle();
    return sent;
  }

  /** Receives with `room` bytes for control messages, at `timeOfDay` in nanoseconds. */
  receive(room = 512, timeOfDay = 0n): { messages: Message[]; length: number; flags: number } {
    const view = this.first.view();
    view.setUint32(layout.CALL + layout.CALL_CONTROL_ROOM, room, true);
    view.setBigUint64(layout.CALL + layout.CALL_TIME_OF_DAY, timeOfDay, true);
    assert.equal((this.first.recv(this.to, 10) as Uint8Array).length, 3);
    const length = view.getUint32(layout.CALL + layout.CALL_CONTROL_LENGTH, true);
    const flags = view.getUint32(layout.CALL + layout.CALL_MESSAGE_FLAGS, true);
    return { messages: decode(Buffer.from(this.first.bytes(layout.CALL_CONTROL, length))), length, flags };
  }
}

const ttl = (value: number): Message => ({ level: IPPROTO_IP, type: system.IP_TTL, data: int(value) });
const tos = (value: number): Message => ({ level: IPPROTO_IP, type: system.IP_TOS, data: int(value) });

function packetInfo(interfaceIndex: number, local: number[]): Message {
  const data = Buffer.alloc(system.PACKET_INFO_SIZE);
  data.writeInt32LE(interfaceIndex, system.PACKET_INFO_INTERFACE_AT);
  data.set(local, system.PACKET_INFO_LOCAL_AT);
  return { level: IPPROTO_IP, type: system.IP_PKTINFO, data };
}

describe("control messages", () => {
  it("come only when they were asked for", () => {
    const d = new Datagrams();
    assert.equal(d.send(), 3);
    assert.deepEqual(d.receive(), { messages: [], length: 0, flags: 0 });
  });

  it("tell destination, TTL and TOS, in Linux's order", () => {
    const d = new Datagrams();
    set(d.first, d.to, IPPROTO_IP, system.IP_RECVTOS);
    set(d.first, d.to, IPPROTO_IP, system.IP_RECVTTL);
    set(d.first, d.to, IPPROTO_IP, system.IP_PKTINFO);
    assert.equal(d.send([ttl(9), tos(0x28)]), 3);
    assert.deepEqual(d.receive().messages, [
      {
        level: IPPROTO_IP,
        type: system.IP_PKTINFO,
        data: Buffer.from([0, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 1]),
      },
      { level: IPPROTO_IP, type: system.IP_TTL, data: int(9) },
      { level: IPPROTO_IP, type: system.IP_TOS, data: Buffer.from([0x28]) },
    ]);
    assert.equal(d.send(), 3);
    assert.deepEqual(d.receive().messages[1]?.data, int(64), "of one datagram only");
  });

  it("name the address to answer a broadcast from", () => {
    const d = new Datagrams();
    d.first.setEndpoint({ ip: "0.0.0.0", port: PORT + 1 });
    set(d.second, d.from, SOL_SOCKET, system.SO_BROADCAST);
    const any = d.first.doors.socketOpen(4, system.SOCK_DGRAM);
    d.first.doors.socketClose(d.to, d.first.now);
    d.first.setEndpoint({ ip: "0.0.0.0", port: PORT });
    assert.equal(d.first.doors.socketBind(any), 0);
    set(d.first, any, IPPROTO_IP, system.IP_PKTINFO);
    assert.equal(d.send([], "10.0.0.255"), 3);
    d.first.view().setUint32(layout.CALL + layout.CALL_CONTROL_ROOM, 64, true);
    assert.equal((d.first.recv(any, 10) as Uint8Array).length, 3);
    const data = d.first.bytes(layout.CALL_CONTROL + system.CONTROL_HEADER, system.PACKET_INFO_SIZE);
    assert.deepEqual([...data], [0, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 255]);
  });

  it("tell when a datagram arrived", () => {
    const d = new Datagrams();
    set(d.first, d.to, SOL_SOCKET, system.SO_TIMESTAMP);
    assert.equal(d.send(), 3);
    d.pair.pass(3_000_000);
    const before = d.receive(64, 1_700_000_005_000_007_000n).messages;
    assert.deepEqual([before[0]?.level, before[0]?.type], [SOL_SOCKET, system.SCM_TIMESTAMP]);
    assert.equal(before[0]?.data.readBigInt64LE(system.TIMEVAL_SECONDS_AT), 1_700_000_002n);
    assert.equal(before[0]?.data.readBigInt64LE(system.TIMEVAL_FRACTION_AT), 7n);
    set(d.first, d.to, SOL_SOCKET, system.SO_TIMESTAMPNS);
    assert.equal(d.send(), 3);
    const after = d.receive(64, 1_700_000_005_000_007_000n).messages;
    assert.equal(after[0]?.type, system.SCM_TIMESTAMPNS);
    assert.equal(after[0]?.data.readBigInt64LE(system.TIMEVAL_FRACTION_AT), 7000n);
  });

  it("are cut where the room ends, and MSG_CTRUNC says so", () => {
    const d = new Datagrams();
    set(d.first, d.to, IPPROTO_IP, system.IP_RECVTTL);
    set(d.first, d.to, IPPROTO_IP, system.IP_RECVTOS);
    const lengths = [0, 15, 16, 19, 20, 24, 39, 40, 41, 48, 100].map((room) => {
      assert.equal(d.send(), 3);
      const { length, flags } = d.receive(room);
      return [room, length, flags];
    });
    const cut = system.MSG_CTRUNC;
    assert.deepEqual(lengths, [
      [0, 0, cut],
      [15, 0, cut],
      [16, 16, cut],
      [19, 19, cut],
      [20, 20, cut],
      [24, 24, cut],
      [39, 24, cut],
      [40, 40, cut],
      [41, 41, 0],
      [48, 48, 0],
      [100, 48, 0],
    ]);
  });

  it("choose the source of one datagram, if it is ours", () => {
    const d = new Datagrams();
    assert.equal(d.send([packetInfo(0, [10, 0, 0, 2])]), 3);
    assert.equal(d.send([packetInfo(0, [10, 0, 0, 77])]), -system.ENETUNREACH);
    assert.equal(d.send([packetInfo(0, [224, 0, 0, 1])]), -system.EINVAL);
    assert.equal(d.send([packetInfo(5, [10, 0, 0, 2])]), -system.ENODEV);
    set(d.second, d.from, IPPROTO_IP, system.IP_FREEBIND);
    assert.equal(d.send([packetInfo(0, [10, 0, 0, 77])]), 3);
    d.receive();
    assert.equal(d.first.endpoint().ip, "10.0.0.2");
    d.receive();
    assert.equal(d.first.endpoint().ip, "10.0.0.77");
  });

  it("that make no sense are refused, and nothing is sent", () => {
    const d = new Datagrams();
    const whole = encode([ttl(9)]);
    const wrong: Message[] = [ttl(0), ttl(256), ttl(-1), tos(256), { ...ttl(9), data: Buffer.alloc(3) }];
    for (const message of wrong) assert.equal(d.send([tos(0), message]), -system.EINVAL);
    for (const length of [0, 15, 25, 2 ** 32 - 1]) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt32LE(length, system.CONTROL_LENGTH_AT);
      assert.equal(d.sendBytes(bytes), -system.EINVAL, `length ${length}`);
    }
    const long = Buffer.from(whole);
    long.writeUInt32LE(1, system.CONTROL_LENGTH_AT + 4);
    assert.equal(d.sendBytes(long), -system.EINVAL);
    assert.equal(d.sendBytes(Buffer.alloc(15)), 3, "too short for a message");
    assert.equal(d.send([{ ...ttl(9), level: 200 }]), 3, "another level's");
    assert.equal((d.first.recv(d.to, 9) as Uint8Array).length, 3);
    assert.equal((d.first.recv(d.to, 9) as Uint8Array).length, 3);
    assert.equal(d.first.recv(d.to, 9), -system.EAGAIN);
    assert.equal(d.first.poolUsed(2) + d.second.poolUsed(2), 0, "buffers in use");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EINPROGRESS, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { ipv4 } from "../support/frames.js";
import { OWN, PEER } from "../support/lan.js";

/** Where Linux has the network header and the EtherType (linux/filter.h). */
const NETWORK = 0xfff00000;
const PROTOCOL = 0xfffff000;
const ETHERTYPE_IPV4 = 0x0800;
const [TCP, UDP, ICMP] = [6, 17, 1] as const;

interface Instruction {
  code: number;
  yes: number;
  no: number;
  k: number;
}

/** A stack that is number `index` of `count`. */
function stackOf(index: number, count: number): StackHost {
  const host = new StackHost();
  host.doors.stackPlace(index, count);
  return host;
}

function programOf(host: StackHost): Instruction[] {
  const length = host.doors.steeringProgram();
  const view = new DataView(host.memory.buffer, layout.CALL_OPTION, 8 * length);
  return Array.from({ length }, (_, i) => ({
    code: view.getUint16(8 * i, true),
    yes: view.getUint8(8 * i + 2),
    no: view.getUint8(8 * i + 3),
    k: view.getUint32(8 * i + 4, true),
  }));
}

/** Runs a program of classic BPF as the kernel does on an IP packet; its result. */
function execute(program: readonly Instruction[], packet: Uint8Array, type = ETHERTYPE_IPV4): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const memory = new Map<number, number>();
  let [a, x] = [0, 0];
  const load = (address: number, size: 1 | 2 | 4) => {
    if (address === PROTOCOL) return type;
    const at = address - NETWORK;
    assert.ok(at >= 0 && at + size <= packet.length, `a load at ${at}`);
    return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
  };
  for (let at = 0; ; at++) {
    const { code, yes, no, k } = program[at] ?? assert.fail("the program has no end");
    const jump = (condition: boolean) => {
      at += condition ? yes : no;
    };
    if (code === 0x20) a = load(k, 4);
    else if (code === 0x28) a = load(k, 2);
    else if (code === 0x30) a = load(k, 1);
    else if (code === 0x48) a = load(x + k, 2);
    else if (code === 0x61) x = memory.get(k) ?? assert.fail("nothing was stored");
    else if (code === 0x02) memory.set(k, a);
    else if (code === 0x07) x = a;
    else if (code === 0x24) a = Math.imul(a, k) >>> 0;
    else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x64) a = (a << k) >>> 0;
    else if (code === 0x74) a >>>= k;
    else if (code === 0x94) a %= k;
    else if (code === 0xac) a = (a ^ x) >>> 0;
    else if (code === 0x15) jump(a === k);
    else if (code === 0x25) jump(a > k);
    else if (code === 0x35) jump(a >= k);
    else if (code === 0x45) jump((a & k) !== 0);
    else if (code === 0x16) return a;
    else if (code === 0x06) return k;
    else assert.fail(`instruction ${code.toString(16)}`);
  }
}

function packet(protocol: number, from: number, to: number, source = PEER): Uint8Array {
  const payload = new Uint8Array(20);
  new DataView(payload.buffer).setUint16(0, from);
  new DataView(payload.buffer).setUint16(2, to);
  return ipv4({ source, destination: OWN, protocol, payload });
}

/** The local port that connect() chooses towards port `to` of the peer. */
function connectPort(host: StackHost, to: number): number {
  const handle = host.doors.socketOpen(4, SOCK_STREAM);
  host.setEndpoint({ ip: PEER, port: to });
  assert.equal(host.doors.socketConnect(handle, host.now), -EINPROGRESS);
  assert.equal(host.doors.socketName(handle, 0), 0);
  return host.endpoint().port;
}

/** The port that bind() to port 0 chooses for a datagram socket. */
function datagramPort(host: StackHost): number {
  const handle = host.doors.socketOpen(4, SOCK_DGRAM);
  host.setEndpoint({ ip: OWN, port: 0 });
  assert.equal(host.doors.socketBind(handle), 0);
  assert.equal(host.doors.socketName(handle, 0), 0);
  return host.endpoint().port;
}

describe("steering", () => {
  it("brings answers to ports that a stack chose home", () => {
    for (const count of [1, 2, 3, 7, 32]) {
      for (const index of new Set([0, 1, count - 1].filter((number) => number < count))) {
        const host = stackOf(index, count);
        const program = programOf(host);
        for (let i = 0; i < 40; i++) {
          const own = connectPort(host, 1000 + i);
          assert.ok(own >= 32768 && own <= 60999, `port ${own}`);
          assert.equal(execute(program, packet(TCP, 1000 + i, own)), index, `${own} of ${count}`);
          const other = datagramPort(host);
          assert.equal(execute(program, packet(UDP, 53, other, `10.9.${i}.7`)), index);
        }
      }
    }
  });

  it("spreads the peers of listeners evenly, and one peer's packets alike", () => {
    const count = 4;
    const program = programOf(stackOf(0, count));
    const hits = new Array<number>(count).fill(0);
    for (let host = 1; host <= 20; host++) {
      for (let from = 40000; from < 40100; from++) {
        const chosen = execute(program, packet(TCP, from, 80, `10.0.1.${host}`));
        hits[chosen] = (hits[chosen] ?? 0) + 1;
        assert.equal(execute(program, packet(TCP, from, 80, `10.0.1.${host}`)), chosen);
      }
    }
    for (const hit of hits) assert.ok(hit > 400 && hit < 600, hits.join());
  });

  it("gives the first stack what has no ports", () => {
    const program = programOf(stackOf(2, 3));
    assert.equal(execute(program, packet(ICMP, 8, 0)), 0);
    assert.equal(execute(program, new Uint8Array(28), 0x0806), 0, "ARP");
    for (const field of [0x2000, 0x0001, 0x3fff]) {
      const fragment = packet(UDP, 4000, 50001);
      new DataView(fragment.buffer, fragment.byteOffset).setUint16(6, field);
      assert.equal(execute(program, fragment), 0, `fragment field ${field}`);
    }
    const whole = packet(UDP, 4000, 50001);
    new DataView(whole.buffer, whole.byteOffset).setUint16(6, 0x4000);
    assert.equal(execute(program, whole), 50001 % 3, "not to be fragmented");
  });

  it("finds ports behind IP options", () => {
    const plain = packet(TCP, 4000, 40001);
    const long = new Uint8Array(plain.length + 8);
    long.set(plain.subarray(0, 20));
    long.set(plain.subarray(20), 28);
    long[0] = 0x47;
    assert.equal(execute(programOf(stackOf(0, 5)), long), 40001 % 5);
  });
});

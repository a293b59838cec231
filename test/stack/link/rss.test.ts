import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { EINPROGRESS, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { openRoom } from "../../support/room.js";
import { OWN, PEER } from "../support/lan.js";

/** The key of Microsoft's "Verifying the RSS hash calculation". */
const KNOWN_KEY = Buffer.from(
  "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa",
  "hex",
);

interface Known {
  source: string;
  from: number;
  destination: string;
  to: number;
  addresses: number;
  ports: number;
}

const known = (
  source: string,
  from: number,
  destination: string,
  to: number,
  addresses: number,
  ports: number,
): Known => ({ source, from, destination, to, addresses, ports });

/** Its vectors: hash of the addresses alone, and with ports. */
const VECTORS: readonly Known[] = [
  known("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178),
  known("199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea),
  known("24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a),
  known("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f),
  known("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2),
  known("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5, 0x40207d3d),
  known("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c, 0xdde51bbf),
  known(
    "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
    44251,
    "fe80::200:f8ff:fe21:67cf",
    38024,
    0x4b61e985,
    0x02d1feef,
  ),
];

/** Entries of a table as NICs have it. */
const ENTRIES = 128;
const KEY_ROOM = 64;

/** The bytes of an address as they are on the wire. */
function addressBytes(text: string): number[] {
  if (text.includes(".")) return text.split(".").map(Number);
  const [head = [], tail = []] = text
    .split("::")
    .map((half) => half.split(":").map((group) => Number.parseInt(group, 16)));
  const groups = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return groups.flatMap((group) => [group >> 8, group & 255]);
}

const portBytes = (port: number) => [port >> 8, port & 255];
const bits = (bytes: Iterable<number>) =>
  [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");

/** The hash bit by bit, as the document describes it. */
function reference(key: Uint8Array, input: readonly number[]): number {
  const keyBits = bits(key);
  let hash = 0;
  for (const [at, bit] of [...bits(input)].entries()) {
    if (bit === "1") hash ^= Number.parseInt(keyBits.slice(at, at + 32), 2);
  }
  return hash >>> 0;
}

/** Stacks of one process, on a device that spreads by the key that the first of them drew. */
function stacksOnDevice(count: number): { hosts: StackHost[]; key: Uint8Array } {
  const hosts = Array.from({ length: count }, (_, index) => {
    const host = new StackHost({ seed: [BigInt(index), 2n, 3n, BigInt(count)] });
    host.doors.stackPlace(index, count);
    return host;
  });
  const callOption = (host: StackHost) => new Uint8Array(host.memory.buffer, layout.CALL_OPTION, KEY_ROOM);
  const length = hosts[0]?.doors.hashKeyDraw() ?? 0;
  const room = Uint8Array.from(callOption(hosts[0] ?? assert.fail()));
  for (const host of hosts) {
    callOption(host).set(room);
    host.doors.hashKeyTake(ENTRIES);
  }
  return { hosts, key: room.subarray(0, length) };
}

function localPort(host: StackHost, handle: number): number {
  assert.equal(host.doors.socketName(handle, 0), 0);
  return host.endpoint().port;
}

/** The local port that connect() chooses towards port `to` of a peer. */
function connectPort(host: StackHost, peer: string, to: number): number {
  const handle = host.doors.socketOpen(4, SOCK_STREAM);
  host.setEndpoint({ ip: peer, port: to });
  assert.equal(host.doors.socketConnect(handle, host.now), -EINPROGRESS);
  return localPort(host, handle);
}

/** The local port that bind() chooses for a datagram socket. */
function datagramPort(host: StackHost): number {
  const handle = host.doors.socketOpen(4, SOCK_DGRAM);
  host.setEndpoint({ ip: OWN, port: 0 });
  assert.equal(host.doors.socketBind(handle), 0);
  return localPort(host, handle);
}

describe("the Toeplitz hash", () => {
  it("gives the published values, and so does the reference here", async () => {
    const room = await openRoom("test/stack/rooms/toeplitz.room.ts");
    const at = 0x10000;
    new Uint8Array(room.memory.buffer).set(KNOWN_KEY, at);
    const hashOf = (input: readonly number[]) =>
      input.reduce((hash, byte, i) => hash ^ Number(room.toeplitz?.(at, 8 * i, BigInt(byte), 8)), 0) >>> 0;
    for (const { source, from, destination, to, addresses, ports } of VECTORS) {
      const input = [...addressBytes(source), ...addressBytes(destination)];
      const whole = [...input, ...portBytes(from), ...portBytes(to)];
      assert.deepEqual([reference(KNOWN_KEY, input), reference(KNOWN_KEY, whole)], [addresses, ports]);
      assert.deepEqual([hashOf(input), hashOf(whole)], [addresses, ports], source);
    }
  });

  it("takes the input in parts of any size", async () => {
    const room = await openRoom("test/stack/rooms/toeplitz.room.ts");
    new Uint8Array(room.memory.buffer).set(KNOWN_KEY, 0x10000);
    for (const size of [1, 3, 16, 31, 64]) {
      for (const first of [0, 1, 7, 80, 200]) {
        const value = 0x9e37_79b9_7f4a_7c15n & ((1n << BigInt(size)) - 1n);
        const padded = "0".repeat(first) + value.toString(2).padStart(size, "0");
        const input = (padded.padEnd(272, "0").match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
        const hash = Number(room.toeplitz?.(0x10000, first, value, size)) >>> 0;
        assert.equal(hash, reference(KNOWN_KEY, input), `${size} bits from ${first} on`);
      }
    }
  });
});

describe("receive-side scaling", () => {
  it("brings the answers to connect() home", () => {
    for (const count of [2, 3, 5, 8]) {
      const { hosts, key } = stacksOnDevice(count);
      for (const [index, host] of hosts.entries()) {
        const chosen = new Set<number>();
        for (let i = 0; i < 40; i++) {
          const peer = i % 2 === 0 ? PEER : "10.0.0.77";
          const own = connectPort(host, peer, 1000 + i);
          assert.ok(own >= 32768 && own <= 60999, `port ${own}`);
          const answer = [
            ...addressBytes(peer),
            ...addressBytes(OWN),
            ...portBytes(1000 + i),
            ...portBytes(own),
          ];
          const queue = (reference(key, answer) % ENTRIES) % count;
          assert.equal(queue, index, `port ${own}, stack ${index} of ${count}`);
          chosen.add(own % count);
        }
        assert.equal(chosen.size, count, "ports are of every kind");
      }
    }
  });

  it("leaves ports whose peer is not known as they are without it", () => {
    const { hosts } = stacksOnDevice(3);
    for (const [index, host] of hosts.entries()) {
      for (let i = 0; i < 20; i++) assert.equal(datagramPort(host) % 3, index);
    }
  });

  it("has a key of its own that does not hash both directions alike", () => {
    const keys = [2, 3, 4].map((count) => Buffer.from(stacksOnDevice(count).key));
    assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, keys.length);
    for (const key of keys) {
      assert.equal(key.length, 52);
      const [there, back] = [
        [...addressBytes(PEER), ...addressBytes(OWN), ...portBytes(80), ...portBytes(40000)],
        [...addressBytes(OWN), ...addressBytes(PEER), ...portBytes(40000), ...portBytes(80)],
      ];
      assert.notEqual(reference(key, there), reference(key, back));
    }
  });
});

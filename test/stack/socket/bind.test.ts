import assert from "node:assert/strict";
import { before, beforeEach, describe, it } from "node:test";
import * as system from "../../../build/generated/node/system.js";
import { askKernel } from "../support/kernel.js";
import { POOL, SocketRoom } from "../support/socket-room.js";

let room: SocketRoom;

before(async () => {
  room = await SocketRoom.open();
});

beforeEach(() => {
  room.restart();
  room.endpoint = { ip: "10.0.0.2", port: 0 };
  assert.equal(room.call("addAddress"), 0);
});

/** One of two sockets that want the same port. */
interface Party {
  /** any, a and b of IPv4; any of IPv6, with and without IPV6_V6ONLY; a as an IPv4-mapped IPv6 address. */
  address: "any" | "a" | "b" | "any6" | "only6" | "mapped";
  reuseAddress: boolean;
  reusePort: boolean;
}

interface Case {
  datagram: boolean;
  first: Party;
  listening: boolean;
  second: Party;
}

/** errno of the second bind() and, for streams, of its listen(). */
type Outcome = [number, number];

const KERNEL = `
import json, socket, sys
def make(datagram, party):
    six = party["address"] in ("any6", "only6", "mapped")
    family = socket.AF_INET6 if six else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
    if six: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(party["address"] == "only6"))
    if party["reuseAddress"]: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if party["reusePort"]: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return s
HOST = {"any": "0.0.0.0", "a": "127.0.0.1", "b": "127.0.0.2"}
HOST |= {"any6": "::", "only6": "::", "mapped": "::ffff:127.0.0.1"}
def attempt(action):
    try: action()
    except OSError as error: return error.errno
    return 0
def outcome(case):
    for tries in range(100):
        probe = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM if case["datagram"] else socket.SOCK_STREAM)
        probe.bind(("::", 0))
        port = probe.getsockname()[1]
        probe.close()
        with make(case["datagram"], case["first"]) as first, make(case["datagram"], case["second"]) as second:
            if attempt(lambda: first.bind((HOST[case["first"]["address"]], port))) != 0: continue
            if case["listening"] and attempt(lambda: first.listen(5)) != 0: continue
            bound = attempt(lambda: second.bind((HOST[case["second"]["address"]], port)))
            if bound != 0 or case["datagram"]: return [bound, 0]
            return [0, attempt(lambda: second.listen(5))]
print(json.dumps([outcome(case) for case in json.load(sys.stdin)]))
`;

const ADDRESSES = ["any", "a", "b", "any6", "only6", "mapped"] as const;
const BOTH = [false, true] as const;

function parties(): Party[] {
  return ADDRESSES.flatMap((address) =>
    BOTH.flatMap((reuseAddress) => BOTH.map((reusePort) => ({ address, reuseAddress, reusePort }))),
  );
}

function cases(): Case[] {
  const pairs = parties().flatMap((first) => parties().map((second) => ({ first, second })));
  return pairs.flatMap((pair) => [
    { ...pair, datagram: true, listening: false },
    { ...pair, datagram: false, listening: false },
    { ...pair, datagram: false, listening: true },
  ]);
}

const ONE = new Uint8Array([1, 0, 0, 0]);

function open(datagram: boolean, party: Party): number {
  const six = ["any6", "only6", "mapped"].includes(party.address);
  const handle = room.call("socketOpen", six ? 6 : 4, datagram ? system.SOCK_DGRAM : system.SOCK_STREAM);
  const set = (level: number, name: number) => assert.equal(room.setOption(handle, level, name, ONE), 0);
  if (party.address === "only6") set(system.IPPROTO_IPV6, system.IPV6_V6ONLY);
  if (party.reuseAddress) set(system.SOL_SOCKET, system.SO_REUSEADDR);
  if (party.reusePort) set(system.SOL_SOCKET, system.SO_REUSEPORT);
  return handle;
}

function bind(handle: number, party: Party, port: number): number {
  const hosts = { any: "0.0.0.0", a: "10.0.0.1", b: "10.0.0.2", any6: "::", only6: "::", mapped: "10.0.0.1" };
  const six = ["any6", "only6", "mapped"].includes(party.address);
  room.setEndpoint({ ip: hosts[party.address], port }, six ? 6 : 4);
  return Math.abs(room.call("socketBind", handle));
}

function outcome(test: Case): Outcome {
  const first = open(test.datagram, test.first);
  const second = open(test.datagram, test.second);
  assert.equal(bind(first, test.first, 4000), 0);
  if (test.listening) assert.equal(room.call("socketListen", first, 5), 0);
  const bound = bind(second, test.second, 4000);
  const listened = bound === 0 && !test.datagram ? Math.abs(room.call("socketListen", second, 5)) : 0;
  for (const handle of [first, second]) assert.equal(room.call("socketClose", handle, room.now), 0);
  return [bound, listened];
}

describe("two sockets that want one port", () => {
  it("get what the kernel gives them, in every combination of addresses and options", () => {
    const all = cases();
    const expected = askKernel<Outcome[]>(KERNEL, all);
    const wrong = all.flatMap((test, i) => {
      const ours = outcome(test);
      const theirs = expected[i] as Outcome;
      return ours[0] === theirs[0] && ours[1] === theirs[1] ? [] : [{ test, ours, theirs }];
    });
    assert.equal(all.length, 1728);
    assert.deepEqual(wrong.slice(0, 3), []);
    assert.equal(room.used(POOL.socket), 0);
  });
});

describe("bind", () => {
  const socket = (type = system.SOCK_STREAM) => room.call("socketOpen", 4, type);

  it("refuses addresses that are not ours, and a second name", () => {
    const handle = socket();
    room.endpoint = { ip: "10.0.0.9", port: 80 };
    assert.equal(room.call("socketBind", handle), -system.EADDRNOTAVAIL);
    room.endpoint = { ip: "10.0.0.2", port: 80 };
    assert.equal(room.call("socketBind", handle), 0);
    assert.equal(room.call("socketName", handle, 0), 0);
    assert.deepEqual(room.endpoint, { ip: "10.0.0.2", port: 80 });
    room.endpoint = { ip: "10.0.0.2", port: 81 };
    assert.equal(room.call("socketBind", handle), -system.EINVAL);
    room.setEndpoint({ ip: "::", port: 80 }, 6);
    assert.equal(room.call("socketBind", socket()), -system.EAFNOSUPPORT);
  });

  it("takes an address that is not ours with IP_FREEBIND", () => {
    const handle = socket();
    assert.equal(room.setOption(handle, system.IPPROTO_IP, system.IP_FREEBIND, ONE), 0);
    room.endpoint = { ip: "10.0.0.9", port: 80 };
    assert.equal(room.call("socketBind", handle), 0);
  });

  it("chooses a different port of the ephemeral range for every socket, until none is left", () => {
    for (const type of [system.SOCK_STREAM, system.SOCK_DGRAM]) {
      const ports = new Set<number>();
      for (let i = 0; i < 500; i++) {
        room.endpoint = { ip: "0.0.0.0", port: 0 };
        const handle = socket(type);
        assert.equal(room.call("socketBind", handle), 0);
        room.call("socketName", handle, 0);
        assert.ok(room.endpoint.port >= 32768 && room.endpoint.port <= 60999);
        ports.add(room.endpoint.port);
      }
      assert.equal(ports.size, 500);
    }
  });

  it("gives the port back on close", () => {
    const first = socket();
    room.endpoint = { ip: "0.0.0.0", port: 80 };
    assert.equal(room.call("socketBind", first), 0);
    assert.equal(room.call("socketBind", socket()), -system.EADDRINUSE);
    room.call("socketClose", first, room.now);
    assert.equal(room.call("socketBind", socket()), 0);
  });
});

describe("handles", () => {
  it("are stale after close, also when the place is taken again", () => {
    const first = room.call("socketOpen", 4, system.SOCK_DGRAM);
    assert.equal(room.call("socketClose", first, room.now), 0);
    const second = room.call("socketOpen", 4, system.SOCK_DGRAM);
    assert.notEqual(second, first);
    for (const handle of [first, first + 1, -1, 0x7fff_ffff]) {
      assert.equal(room.call("socketBind", handle), -system.EBADF);
      assert.equal(room.call("socketClose", handle, room.now), -system.EBADF);
      assert.equal(room.call("socketReady", handle), -system.EBADF);
      assert.equal(room.call("socketReceivePlan", handle, 1, 0, 0, room.now), -system.EBADF);
    }
    assert.equal(room.call("socketClose", second, room.now), 0);
  });

  it("run out with -ENOBUFS, and come back", () => {
    const handles: number[] = [];
    for (let i = room.call("capacity", POOL.socket); i > 0; i--) {
      handles.push(room.call("socketOpen", 4, system.SOCK_STREAM));
    }
    assert.equal(new Set(handles).size, handles.length);
    assert.equal(room.call("socketOpen", 4, system.SOCK_STREAM), -system.ENOBUFS);
    assert.equal(room.call("socketClose", handles[0] as number, room.now), 0);
    assert.ok(room.call("socketOpen", 4, system.SOCK_STREAM) >= 0);
  });

  it("are not given for what the stack does not have", () => {
    assert.equal(room.call("socketOpen", 4, system.SOCK_RAW), -system.ESOCKTNOSUPPORT);
    assert.equal(room.call("socketOpen", 5, system.SOCK_STREAM), -system.EAFNOSUPPORT);
  });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import * as system from "../../../build/generated/node/system.js";
import { askKernel } from "../support/kernel.js";
import { SocketRoom } from "../support/socket-room.js";
import { type OptionCase, REFUSED, SAME, SAME_STREAM, STRANGE } from "./option-cases.js";

let room: SocketRoom;

before(async () => {
  room = await SocketRoom.open();
});

/** What setting a value did, and what reading it back with 4, 1 and 0 bytes of room gave. */
interface Trial {
  set: number;
  get: (number[] | number)[];
}

/**
 * Of a fresh socket: what reading gave before anything was set, then one trial for each value and each
 * length.
 */
interface Result {
  fresh: number[] | number;
  trials: Trial[];
  shortSet: number[];
}

const KERNEL = `
import json, socket, struct, sys
def attempt(action):
    try: return action()
    except OSError as error: return -error.errno
def get(s, level, name, room):
    answer = attempt(lambda: s.getsockopt(level, name, room))
    return list(answer) if isinstance(answer, bytes) else answer
def put(s, level, name, value):
    return attempt(lambda: s.setsockopt(level, name, value) or 0)
results = []
for case in json.load(sys.stdin):
    level, name = case["level"], case["name"]
    kind = socket.SOCK_DGRAM if case["datagram"] else socket.SOCK_STREAM
    fresh = get(socket.socket(socket.AF_INET, kind), level, name, 4)
    trials = []
    for value in case["values"]:
        s = socket.socket(socket.AF_INET, kind)
        done = put(s, level, name, struct.pack("i", value))
        trials.append({"set": done, "get": [get(s, level, name, room) for room in (4, 1, 8)]})
    s = socket.socket(socket.AF_INET, kind)
    short = [put(s, level, name, b"\\1" * n) for n in (1, 3)]
    results.append({"fresh": fresh, "trials": trials, "shortSet": short})
print(json.dumps(results))
`;

function int(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

function read(handle: number, level: number, name: number, length: number): number[] | number {
  const answer = room.getOption(handle, level, name, length);
  return typeof answer === "number" ? answer : [...answer];
}

function withSocket<T>(datagram: boolean, work: (handle: number) => T): T {
  const handle = room.call("socketOpen", 4, datagram ? system.SOCK_DGRAM : system.SOCK_STREAM);
  try {
    return work(handle);
  } finally {
    room.call("socketClose", handle, room.now);
  }
}

function measure(test: OptionCase, datagram: boolean): Result {
  const level = system[test.level] as number;
  const name = system[test.name] as number;
  return {
    fresh: withSocket(datagram, (handle) => read(handle, level, name, 4)),
    trials: test.values.map((value) =>
      withSocket(datagram, (handle) => ({
        set: room.setOption(handle, level, name, int(value)),
        get: [4, 1, 8].map((length) => read(handle, level, name, length)),
      })),
    ),
    shortSet: withSocket(datagram, (handle) =>
      [1, 3].map((length) => room.setOption(handle, level, name, new Uint8Array(length).fill(1))),
    ),
  };
}

/** Defaults in which the stack differs on purpose: docs/socket-options.md says why. */
const OWN_DEFAULT = new Set(["SO_SNDBUF", "SO_RCVBUF", "TCP_SYNCNT", "TCP_WINDOW_CLAMP"]);

const COMPARED = [
  ...[...SAME, ...STRANGE].map((test) => ({ test, datagram: true })),
  ...[...SAME, ...SAME_STREAM, ...STRANGE.slice(1)].map((test) => ({ test, datagram: false })),
];
let answers: Result[] = [];

before(() => {
  const questions = COMPARED.map(({ test, datagram }) => ({
    level: system[test.level],
    name: system[test.name],
    values: test.values,
    datagram,
  }));
  answers = askKernel<Result[]>(KERNEL, questions);
});

describe("socket options", () => {
  COMPARED.forEach(({ test, datagram }, i) => {
    it(`${test.name} answers on ${datagram ? "datagrams" : "streams"} as in the kernel`, () => {
      const theirs = answers[i] as Result;
      const ours = measure(test, datagram);
      if (OWN_DEFAULT.has(test.name)) ours.fresh = theirs.fresh;
      assert.deepEqual(ours, theirs);
    });
  });

  it("that the stack does not have are refused, and listed in the document", () => {
    const document = readFileSync(new URL("../../../../../docs/socket-options.md", import.meta.url), "utf8");
    for (const test of REFUSED) {
      for (const datagram of [false, true]) {
        withSocket(datagram, (handle) => {
          const level = system[test.level] as number;
          const name = system[test.name] as number;
          const set = room.setOption(handle, level, name, new Uint8Array(16).fill(1));
          assert.equal(set, -system.ENOPROTOOPT, test.name);
          const got = read(handle, level, name, 16);
          assert.ok(got === -system.ENOPROTOOPT || got === -system.EOPNOTSUPP, `${test.name}: ${got}`);
        });
      }
      assert.match(document, new RegExp(`\`${test.name}\``), `${test.name} is not in docs/socket-options.md`);
    }
  });

  it("that the stack has are all in the document", () => {
    const document = readFileSync(new URL("../../../../../docs/socket-options.md", import.meta.url), "utf8");
    for (const { name } of [...SAME, ...SAME_STREAM]) {
      assert.match(document, new RegExp(`\`${name}\``), `${name} is not in docs/socket-options.md`);
    }
  });

  it("SO_SNDBUF and SO_RCVBUF have a limit, which the FORCE options exceed", () => {
    withSocket(false, (handle) => {
      const value = (name: number) =>
        Buffer.from(read(handle, system.SOL_SOCKET, name, 4) as number[]).readInt32LE();
      for (const [name, forced] of [
        [system.SO_SNDBUF, system.SO_SNDBUFFORCE],
        [system.SO_RCVBUF, system.SO_RCVBUFFORCE],
      ] as const) {
        for (const huge of [10_000_000, -1]) {
          assert.equal(room.setOption(handle, system.SOL_SOCKET, name, int(huge)), 0);
          assert.equal(value(name), 8 << 20);
        }
        assert.equal(room.setOption(handle, system.SOL_SOCKET, forced, int(10_000_000)), 0);
        assert.equal(value(name), 20_000_000);
      }
    });
  });

  it("SO_LINGER takes a struct of two ints and gives it back", () => {
    withSocket(false, (handle) => {
      const on = new Uint8Array([1, 0, 0, 0, 7, 0, 0, 0]);
      const option = [system.SOL_SOCKET, system.SO_LINGER] as const;
      assert.equal(room.setOption(handle, ...option, on.subarray(0, 4)), -system.EINVAL);
      assert.deepEqual(read(handle, ...option, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
      assert.equal(room.setOption(handle, ...option, on), 0);
      assert.deepEqual(read(handle, ...option, 8), [...on]);
      assert.equal(room.setOption(handle, ...option, new Uint8Array(8)), 0);
      assert.deepEqual((read(handle, ...option, 8) as number[]).slice(0, 4), [0, 0, 0, 0]);
    });
  });

  it("TCP_CONGESTION knows cubic and reno by name", () => {
    withSocket(false, (handle) => {
      const option = [system.IPPROTO_TCP, system.TCP_CONGESTION] as const;
      const name = () => {
        const bytes = read(handle, ...option, 16);
        assert.ok(Array.isArray(bytes) && bytes.length === 16);
        return Buffer.from(bytes).toString().replaceAll("\0", "");
      };
      assert.equal(name(), "cubic");
      assert.equal(room.setOption(handle, ...option, Buffer.from("reno")), 0);
      assert.equal(name(), "reno");
      for (const wrong of ["vegas", "renox", "cubicular", "re"]) {
        assert.equal(room.setOption(handle, ...option, Buffer.from(wrong)), -system.ENOENT);
      }
      assert.equal(room.setOption(handle, ...option, new Uint8Array(0)), -system.EINVAL);
      assert.equal(room.setOption(handle, ...option, Buffer.from("cubic\0")), 0);
      assert.equal(name(), "cubic");
    });
  });

  it("TCP_INFO of a socket without a connection says CLOSE, and LISTEN of a listener", () => {
    withSocket(false, (handle) => {
      const option = [system.IPPROTO_TCP, system.TCP_INFO] as const;
      const fresh = read(handle, ...option, 512);
      assert.ok(Array.isArray(fresh));
      assert.equal(fresh.length, 104);
      assert.equal(fresh[0], system.TCP_CLOSE);
      room.endpoint = { ip: "10.0.0.1", port: 4001 };
      room.call("socketBind", handle);
      room.call("socketListen", handle, 4);
      assert.deepEqual(read(handle, ...option, 1), [system.TCP_LISTEN]);
      assert.deepEqual(read(handle, system.SOL_SOCKET, system.SO_ACCEPTCONN, 4), [1, 0, 0, 0]);
    });
  });

  it("IPV6_V6ONLY is settled by bind", () => {
    const handle = room.call("socketOpen", 6, system.SOCK_STREAM);
    const option = [system.IPPROTO_IPV6, system.IPV6_V6ONLY] as const;
    assert.deepEqual(read(handle, ...option, 4), [0, 0, 0, 0]);
    assert.equal(room.setOption(handle, ...option, int(1)), 0);
    assert.deepEqual(read(handle, ...option, 4), [1, 0, 0, 0]);
    room.setEndpoint({ ip: "::", port: 4002 }, 6);
    assert.equal(room.call("socketBind", handle), 0);
    assert.equal(room.setOption(handle, ...option, int(0)), -system.EINVAL);
    room.call("socketClose", handle, room.now);
  });

  it("values longer than the call area are refused", () => {
    withSocket(false, (handle) => {
      const now = room.now;
      const result = room.call("socketOptionSet", handle, system.SOL_SOCKET, system.SO_KEEPALIVE, 513, now);
      assert.equal(result, -system.EINVAL);
    });
  });
});

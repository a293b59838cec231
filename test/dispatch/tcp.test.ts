// TCP from the NIC to the listener or connection it belongs to, and what is answered for nobody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { macOf } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, type Seg, segment } from "./support/segments.js";

const IP = "10.0.0.2";
const MAC = macOf(2);

/** A forwarder with one NIC and some vports of one address, all listening on port 80. */
function setUp(count: number, more: { backlog?: number } = {}): { f: Forwarder; vports: TestVport[] } {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const vports = Array.from({ length: count }, () => f.open({ ip: IP, mac: MAC }));
  for (const v of vports) {
    announce(v, "listen", { localPort: 80, local: IP, ...more });
    announce(v, "done");
  }
  f.collect();
  return { f, vports };
}

function request(port: number, more: Partial<Seg> = {}): Uint8Array {
  return segment({
    from: "10.0.0.9",
    to: IP,
    toMac: MAC,
    sourcePort: port,
    destinationPort: 80,
    flags: "S",
    sequence: 1000,
    ...more,
  });
}

/** Which vports have received something, by their place; empties them. */
function receivers(vports: readonly TestVport[]): number[] {
  return vports.flatMap((v, i) => v.client.received().map(() => i));
}

test("a request goes to the listener with the fewest connections, and all that follows too", () => {
  const { f, vports } = setUp(3);
  const owners: number[] = [];
  for (let i = 0; i < 9; i++) {
    f.receive([request(5000 + i)]);
    owners.push(...receivers(vports));
  }
  assert.deepEqual(
    [0, 1, 2].map((v) => owners.filter((owner) => owner === v).length),
    [3, 3, 3],
  );
  for (let i = 0; i < 9; i++) {
    f.receive([request(5000 + i, { flags: "A", sequence: 1001 })]);
    assert.deepEqual(receivers(vports), [owners[i]]);
  }
  assert.deepEqual(f.drops(), {});
});

test("a connection that ended makes room at its listener", () => {
  const { f, vports } = setUp(2);
  f.receive([request(5000)]);
  const [first] = receivers(vports);
  announce(vports[first ?? 0] as TestVport, "flowGone", {
    local: IP,
    localPort: 80,
    remote: "10.0.0.9",
    remotePort: 5000,
  });
  f.collect();
  assert.equal(f.flows(), 0);
  f.receive([request(5001)]);
  f.receive([request(5002)]);
  assert.deepEqual(receivers(vports).sort(), [0, 1]);
});

test("a request that nobody completes is forgotten after five seconds, one that is completed is not", () => {
  const { f, vports } = setUp(1);
  const [v] = vports as [TestVport];
  f.receive([request(5000), request(5001)]);
  const answer = { fromMac: MAC, toMac: PEER_MAC, from: IP, to: "10.0.0.9", sourcePort: 80 };
  v.client.send(
    segment({ ...answer, destinationPort: 5001, flags: "SA", sequence: 77, acknowledgement: 1001 }),
  );
  f.collect();
  f.receive([request(5001, { flags: "A", sequence: 1001, acknowledgement: 78 })]);
  assert.equal(f.flows(), 2);
  f.pass(4_900_000);
  assert.equal(f.flows(), 2);
  f.pass(200_000);
  assert.equal(f.flows(), 1);
  assert.equal(f.counters().flowsExpired, 1);
  f.pass(3_600_000_000);
  assert.equal(f.flows(), 1, "completed, but silent for an hour");
});

test("an ACK with the wrong number completes nothing", () => {
  const { f, vports } = setUp(1);
  f.receive([request(5000)]);
  const answer = { fromMac: MAC, toMac: PEER_MAC, from: IP, to: "10.0.0.9", sourcePort: 80 };
  vports[0]?.client.send(
    segment({ ...answer, destinationPort: 5000, flags: "SA", sequence: 77, acknowledgement: 1001 }),
  );
  f.collect();
  f.receive([request(5000, { flags: "A", sequence: 1001, acknowledgement: 79 })]);
  f.pass(6_000_000);
  assert.equal(f.flows(), 0);
});

test("what was announced before a frame came is not missed, though nobody had looked", () => {
  const { f, vports } = setUp(2);
  const [, second] = vports as [TestVport, TestVport];
  announce(second, "listen", { localPort: 81 });
  f.receive([request(6000, { destinationPort: 81 })]);
  assert.deepEqual(receivers(vports), [1]);
  announce(second, "flow", {
    local: IP,
    localPort: 4444,
    remote: "10.0.0.9",
    remotePort: 443,
    sndNxt: 5,
    rcvNxt: 6,
  });
  f.receive([request(443, { destinationPort: 4444, flags: "PA", payload: 3 })]);
  assert.deepEqual(receivers(vports), [1]);
  assert.deepEqual(f.drops(), {});
});

test("a segment for nobody gets the reset of RFC 9293, section 3.10.7.1", () => {
  const { f, vports } = setUp(1);
  f.receive([request(7000, { destinationPort: 99, sequence: 500, payload: 10 })]);
  f.receive([request(7000, { destinationPort: 99, flags: "A", sequence: 500, acknowledgement: 321 })]);
  f.receive([request(7000, { destinationPort: 99, flags: "R", sequence: 500 })]);
  const [first, second, ...others] = f.transmit().map(inner);
  assert.deepEqual(others, []);
  assert.deepEqual([first?.flags, first?.sequence, first?.acknowledgement], ["RA", 0, 511]);
  assert.deepEqual([second?.flags, second?.sequence, second?.acknowledgement], ["R", 321, 0]);
  assert.equal(first?.sourcePort, 99);
  assert.deepEqual(receivers(vports), []);
  assert.equal(f.drops().tcpUnknown, 3);
});

test("many requests that nobody completes: the rest goes by hash, and so does what follows", () => {
  const { f, vports } = setUp(4, { backlog: 64 });
  for (let i = 0; i < 4 * 64; i++) f.receive([request(10000 + i)]);
  const before = f.flows();
  assert.equal(before, 4 * 64);
  assert.equal(receivers(vports).length, 4 * 64);
  for (let i = 0; i < 200; i++) {
    f.receive([request(20000 + i)]);
    const [owner] = receivers(vports);
    f.receive([request(20000 + i, { flags: "A", sequence: 1001, acknowledgement: 5 })]);
    assert.deepEqual(receivers(vports), [owner], "the ACK follows its SYN");
  }
  assert.equal(f.flows(), before, "nothing more is remembered");
  assert.equal(f.counters().statelessChoices, 200);
});

test("a stateless choice is spread, and one listener that goes moves no other's", () => {
  const { f, vports } = setUp(4, { backlog: 64 });
  const last = vports[3] as TestVport;
  const choices = new Map<number, number>();
  const ask = (port: number) => {
    f.receive([request(port, { flags: "A" })]);
    return receivers(vports)[0] ?? -1;
  };
  for (let i = 0; i < 400; i++) choices.set(i, ask(30000 + i));
  const shares = [0, 1, 2, 3].map((v) => [...choices.values()].filter((choice) => choice === v).length);
  assert.ok(Math.min(...shares) > 50, `shares ${shares}`);
  announce(last, "unlisten", { localPort: 80 });
  f.collect();
  for (const [i, choice] of choices) if (choice !== 3) assert.equal(ask(30000 + i), choice);
});

test("a connection out is known to its vport before the answer comes", () => {
  const { f, vports } = setUp(2);
  const [, second] = vports as [TestVport, TestVport];
  second.client.send(
    segment({
      fromMac: MAC,
      toMac: PEER_MAC,
      from: IP,
      to: "10.0.0.9",
      sourcePort: 4000,
      destinationPort: 22,
      flags: "S",
      sequence: 9,
    }),
  );
  f.receive([
    segment({
      from: "10.0.0.9",
      to: IP,
      toMac: MAC,
      sourcePort: 22,
      destinationPort: 4000,
      flags: "SA",
      sequence: 1,
      acknowledgement: 10,
    }),
  ]);
  assert.deepEqual(receivers(vports), [1]);
});

test("both FINs, then a minute: the flow is gone; a reset with the wrong number ends nothing", () => {
  const { f, vports } = setUp(1);
  const [v] = vports as [TestVport];
  const out = {
    fromMac: MAC,
    toMac: PEER_MAC,
    from: IP,
    to: "10.0.0.9",
    sourcePort: 80,
    destinationPort: 5000,
  };
  f.receive([request(5000)]);
  v.client.send(segment({ ...out, flags: "SA", sequence: 77, acknowledgement: 1001 }));
  v.client.send(segment({ ...out, flags: "A", sequence: 78, acknowledgement: 1001 }));
  f.collect();
  f.receive([request(5000, { flags: "R", sequence: 4 })]);
  f.pass(7_200_000_000);
  assert.equal(f.flows(), 1);
  f.receive([request(5000, { flags: "FA", sequence: 1001, acknowledgement: 78 })]);
  f.pass(120_000_000);
  assert.equal(f.flows(), 1, "half closed");
  v.client.send(segment({ ...out, flags: "FA", sequence: 78, acknowledgement: 1002 }));
  f.collect();
  f.pass(59_000_000);
  assert.equal(f.flows(), 1);
  f.pass(2_000_000);
  assert.equal(f.flows(), 0);
});

test("while a vport is on its way back nothing of its address is reset", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const v = f.open({ ip: IP, mac: MAC });
  f.receive([request(5000, { flags: "A" })]);
  assert.deepEqual(f.transmit(), []);
  assert.equal(f.drops().undecided, 1);
  announce(v, "done");
  f.receive([request(5000, { flags: "A" })]);
  assert.equal(f.transmit().length, 1);
});

test("in the time of grace after a restart nothing is reset", () => {
  const { f } = setUp(1);
  f.doors.graceSet(f.now + 1_000_000n);
  f.receive([request(5000, { destinationPort: 81 })]);
  assert.deepEqual(f.transmit(), []);
  f.pass(1_000_000);
  f.receive([request(5000, { destinationPort: 81 })]);
  assert.equal(f.transmit().length, 1);
});

test("who announces nothing gets everything that nobody else claims", () => {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC);
  const loud = f.open({ ip: IP, mac: MAC });
  const quiet = f.open({ ip: IP, mac: MAC, announces: false });
  announce(loud, "listen", { localPort: 80 });
  announce(loud, "done");
  f.receive([request(5000), request(5001, { destinationPort: 81 })]);
  assert.deepEqual(receivers([loud, quiet]), [0, 1]);
});

test("a connection of somebody who announces its end may be idle for days, of another for two hours", () => {
  for (const announces of [true, false]) {
    const f = new Forwarder();
    f.nicOpen(NIC_MAC);
    const v = f.open({ ip: IP, mac: MAC, announces });
    const out = {
      fromMac: MAC,
      toMac: PEER_MAC,
      from: IP,
      to: "10.0.0.9",
      sourcePort: 4000,
      destinationPort: 22,
    };
    v.client.send(segment({ ...out, flags: "S", sequence: 9 }));
    v.client.send(segment({ ...out, flags: "A", sequence: 10, acknowledgement: 2 }));
    f.collect();
    f.pass(7_400_000_000);
    assert.equal(f.flows(), 1);
    v.client.send(segment({ ...out, flags: "A", sequence: 10, acknowledgement: 2 }));
    f.collect();
    f.pass(7_400_000_000);
    assert.equal(f.flows(), 1, "it was used");
    f.pass(100_000_000);
    assert.equal(f.flows(), announces ? 1 : 0);
    f.pass(5 * 86_400_000_000);
    assert.equal(f.flows(), 0);
  }
});

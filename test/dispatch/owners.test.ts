// ARP, ICMP, UDP, fragments, groups: who gets what.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as layout from "../../build/generated/node/layout.js";
import { arp, ethernet, icmp, ipv4, macOf, read16, seen, udp, write16 } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const A = { ip: "10.0.0.2", mac: macOf(2) };
const B = { ip: "10.0.0.3", mac: macOf(3) };

const toPeer = {
  from: A.ip,
  to: "10.0.0.9",
  fromMac: A.mac,
  toMac: PEER_MAC,
  sourcePort: 1000,
  destinationPort: 80,
};

function setUp(nicFlags = 0): Forwarder {
  const f = new Forwarder();
  f.nicOpen(NIC_MAC, nicFlags, (nicFlags & layout.PORT_FLAG_SEGMENTATION) !== 0 ? 65000 : 0);
  return f;
}

function sent(f: Forwarder, v: TestVport, frame: Uint8Array): Uint8Array[] {
  assert.ok(v.client.send(frame));
  f.collect();
  return f.transmit();
}

test("ARP: requests to the first stack of each process, replies to all of the address, nobody else", () => {
  const f = setUp();
  const stacks = [1, 0, 2].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  const other = f.open({ ...A, key: 6 });
  const b = f.open(B);
  const everyone = [...stacks, other, b];
  const counts = () => everyone.map((v) => v.client.received().length);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: A.ip })]);
  assert.deepEqual(counts(), [0, 1, 0, 1, 0]);
  f.receive([arp({ operation: 2, senderMac: PEER_MAC, sender: "10.0.0.9", target: A.ip }, A.mac)]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 0]);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: "10.0.0.77" })]);
  assert.deepEqual(counts(), [0, 0, 0, 0, 0]);
  f.receive([arp({ operation: 1, senderMac: PEER_MAC, sender: "10.0.0.9", target: "10.0.0.9" })]);
  assert.deepEqual(counts(), [1, 1, 1, 1, 1]);
  assert.deepEqual(f.drops(), { arpNotOurs: 1 });
});

test("ARP between vports stays here; about strangers, and about oneself, it goes out", () => {
  const f = setUp();
  const a = f.open(A);
  const b = f.open(B);
  const ask = (target: string) => arp({ operation: 1, senderMac: A.mac, sender: A.ip, target });
  assert.deepEqual(sent(f, a, ask(B.ip)), []);
  assert.equal(b.client.received().length, 1);
  assert.equal(sent(f, a, ask("10.0.0.9")).length, 1);
  assert.equal(b.client.received().length, 0);
  assert.equal(sent(f, a, ask(A.ip)).length, 1, "an announcement");
  assert.equal(b.client.received().length, 1);
  assert.equal(
    sent(f, a, arp({ operation: 1, senderMac: A.mac, sender: "0.0.0.0", target: A.ip })).length,
    1,
  );
});

test("broadcasts and multicasts go to everybody but their sender", () => {
  const f = setUp();
  const all = [f.open(A), f.open(B), f.open({ ip: "10.0.0.4", mac: macOf(4) })];
  const payload = udp({
    source: A.ip,
    destination: "239.1.1.1",
    sourcePort: 1,
    destinationPort: 2,
    payload: new Uint8Array(4),
  });
  const packet = ipv4({ source: A.ip, destination: "239.1.1.1", protocol: 17, payload });
  const group = Uint8Array.from([1, 0, 0x5e, 1, 1, 1]);
  assert.equal(sent(f, all[0] as TestVport, ethernet(group, A.mac, 0x0800, packet)).length, 1);
  assert.deepEqual(
    all.map((v) => v.client.received().length),
    [0, 1, 1],
  );
  f.receive([ethernet(group, PEER_MAC, 0x0800, packet)]);
  assert.deepEqual(
    all.map((v) => v.client.received().length),
    [1, 1, 1],
  );
});

test("ICMP: echo to the first stack, errors to whose packet they quote, others dropped", () => {
  const f = setUp();
  const stacks = [0, 1].map((stackIndex) => f.open({ ...A, key: 5, stackIndex }));
  for (const v of stacks) announce(v, "done");
  const [, second] = stacks as [TestVport, TestVport];
  const out = segment({ ...toPeer, flags: "S", sequence: 9 });
  sent(f, second, out);
  const counts = () => stacks.map((v) => v.client.received().length);
  const fromPeer = (payload: Uint8Array) =>
    ethernet(A.mac, PEER_MAC, 0x0800, ipv4({ source: "10.0.0.9", destination: A.ip, protocol: 1, payload }));
  f.receive([fromPeer(icmp(8, 0, 0x10001, new Uint8Array(20)))]);
  assert.deepEqual(counts(), [1, 0]);
  f.receive([fromPeer(icmp(3, 1, 0, out.subarray(14, 14 + 28)))]);
  assert.deepEqual(counts(), [0, 1]);
  const stranger = out.slice(14, 14 + 28);
  write16(stranger, 20, 4321);
  f.receive([fromPeer(icmp(3, 1, 0, stranger)), fromPeer(icmp(3, 1, 0, out.subarray(14, 14 + 24)))]);
  assert.deepEqual(counts(), [0, 0]);
  assert.deepEqual(f.drops(), { icmpUnrelated: 2 });
});

test("UDP: to the binding, the same one for the same peer; else an ICMP error, a thousand a second", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)];
  for (const v of vports) {
    announce(v, "bind", { localPort: 53 });
    announce(v, "done");
  }
  const datagram = (sourcePort: number, destinationPort: number) => {
    const body = {
      source: "10.0.0.9",
      destination: A.ip,
      sourcePort,
      destinationPort,
      payload: new Uint8Array(9),
    };
    return ethernet(
      A.mac,
      PEER_MAC,
      0x0800,
      ipv4({ source: "10.0.0.9", destination: A.ip, protocol: 17, payload: udp(body) }),
    );
  };
  const owners = new Set<number>();
  for (let port = 1000; port < 1040; port++) {
    f.receive([datagram(port, 53), datagram(port, 53)]);
    const counts = vports.map((v) => v.client.received().length);
    assert.ok(counts.includes(2), "both to one");
    owners.add(counts.indexOf(2));
  }
  assert.equal(owners.size, 2, "peers are spread");
  assert.equal(f.flows(), 0, "and nothing is remembered");
  for (let i = 0; i < 100; i++) f.receive([datagram(1000, 54)]);
  const errors = f.transmit();
  assert.equal(errors.length, 50);
  const message = seen(errors[0] ?? new Uint8Array(0)).ip?.payload ?? new Uint8Array(0);
  assert.deepEqual([message[0], message[1]], [3, 3]);
  assert.deepEqual(message.subarray(8, 36), datagram(1000, 54).subarray(14, 42));
  assert.equal(f.drops().icmpRateLimited, 50);
});

test("answers to a datagram come back to who sent it, though another has the port, too", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)] as [TestVport, TestVport];
  for (const v of vports) {
    announce(v, "bind", { localPort: 5353 });
    announce(v, "done");
  }
  f.collect();
  const body = (source: string, destination: string, sourcePort: number, destinationPort: number) =>
    ipv4({
      source,
      destination,
      protocol: 17,
      payload: udp({ source, destination, sourcePort, destinationPort, payload: new Uint8Array(4) }),
    });
  for (let port = 2000; port < 2020; port++) {
    const sender = vports[port % 2] as TestVport;
    sent(f, sender, ethernet(PEER_MAC, A.mac, 0x0800, body(A.ip, "10.0.0.9", 5353, port)));
    f.receive([ethernet(A.mac, PEER_MAC, 0x0800, body("10.0.0.9", A.ip, port, 5353))]);
    assert.equal(sender.client.received().length, 1);
  }
  f.pass(121_000_000);
  assert.equal(f.flows(), 0);
});

test("later fragments go to the owner of the first, for thirty seconds", () => {
  const f = setUp();
  const vports = [f.open(A), f.open(A)];
  for (const v of vports) {
    announce(v, "bind", { localPort: 53 });
    announce(v, "done");
  }
  const whole = udp({
    source: "10.0.0.9",
    destination: A.ip,
    sourcePort: 7,
    destinationPort: 53,
    payload: new Uint8Array(2000),
  });
  const part = (id: number, offset: number, end: number) =>
    ethernet(
      A.mac,
      PEER_MAC,
      0x0800,
      ipv4({
        source: "10.0.0.9",
        destination: A.ip,
        protocol: 17,
        payload: whole.subarray(offset, end),
        id,
        offset,
        moreFragments: end < whole.length,
      }),
    );
  const counts = () => vports.map((v) => v.client.received().length);
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "before the first: dropped");
  f.receive([part(1, 0, 1000)]);
  const first = counts();
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), first);
  f.receive([part(2, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "of another packet");
  f.now += 31_000_000n;
  f.receive([part(1, 1000, 2008)]);
  assert.deepEqual(counts(), [0, 0], "too late");
  assert.equal(f.drops().fragmentUnknown, 3);
  assert.deepEqual(f.transmit(), []);
});

test("with one vport fragments need no memory of the first", () => {
  const f = setUp();
  const v = f.open(A);
  const later = ipv4({
    source: "10.0.0.9",
    destination: A.ip,
    protocol: 17,
    payload: new Uint8Array(100),
    offset: 800,
  });
  f.receive([ethernet(A.mac, PEER_MAC, 0x0800, later)]);
  assert.equal(v.client.received().length, 1);
});

test("frames for others' addresses and hardware addresses are dropped with a reason", () => {
  const f = setUp();
  f.open(A);
  const packet = (destination: string) =>
    ipv4({ source: "10.0.0.9", destination, protocol: 1, payload: icmp(8, 0, 0, new Uint8Array(4)) });
  const wrong = packet(A.ip);
  write16(wrong, 10, read16(wrong, 10) ^ 1);
  f.receive([
    ethernet(A.mac, PEER_MAC, 0x0800, packet("10.0.0.77")),
    ethernet(macOf(66), PEER_MAC, 0x0800, packet(A.ip)),
    ethernet(A.mac, PEER_MAC, 0x0800, wrong),
    ethernet(A.mac, PEER_MAC, 0x88cc, packet(A.ip)),
    ethernet(A.mac, PEER_MAC, 0x86dd, packet(A.ip).subarray(0, 39)),
    ethernet(A.mac, PEER_MAC, 0x0800, packet(A.ip).subarray(0, 25)),
  ]);
  assert.deepEqual(f.drops(), {
    ipNotOurs: 1,
    notOurMac: 1,
    ipChecksum: 1,
    unknownEtherType: 1,
    truncated: 2,
  });
});

test("a program reaches the others of its address, and itself; from the link nobody comes from there", () => {
  const f = setUp();
  const first = f.open({ ...A, key: 5 });
  const second = f.open({ ...A, key: 6 });
  announce(first, "listen", { localPort: 80 });
  announce(second, "listen", { localPort: 81 });
  for (const v of [first, second]) announce(v, "done");
  f.collect();
  const own = { from: A.ip, to: A.ip, fromMac: A.mac, toMac: A.mac, flags: "S" } as const;
  const request = (destinationPort: number) =>
    segment({ ...own, sourcePort: 4000 + destinationPort, destinationPort });
  const got = () => [first, second].map(({ client }) => client.received().length);
  for (const [port, expected] of [
    [80, [1, 0]],
    [81, [0, 1]],
  ] as const) {
    assert.deepEqual(sent(f, first, request(port)), []);
    assert.deepEqual(got(), expected);
  }
  // What stands behind a request in the same ring was said later: it is refused at once.
  for (const port of [82, 83, 84]) assert.ok(first.client.send(request(port)));
  f.collect();
  assert.deepEqual(got(), [3, 0]);
  assert.deepEqual(f.drops(), { tcpUnknown: 3 });
  f.receive([segment({ ...own, sourcePort: 5000, destinationPort: 80, fromMac: PEER_MAC })]);
  assert.deepEqual(got(), [0, 0]);
  assert.equal(f.drops().ipMartian, 1);
});
